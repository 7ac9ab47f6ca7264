import { CloudEvent, HTTP } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import { Pool } from 'undici';
import { rateOf } from '../side-by-side.js';
import type { ReceivedHttp } from './counting-reports.js';

type Attributes = ConstructorParameters<typeof CloudEvent>[0];

/** What a request is made of. */
export interface RequestByHand {
  /** Of one CloudEvent, or of those of a batch; with their data. */
  readonly events: Attributes | readonly Attributes[];
  /** Without a signature of its own. */
  readonly headers: ReceivedHttp['headers'];
}

/** undici alone: as many requests of a lane side by side as the sink has, over as many connections. */
export class RawClient {
  readonly #pool: Pool;
  readonly #path: string;

  constructor(
    url: string,
    connections: number,
    private readonly inFlight: number,
  ) {
    const { origin, pathname } = new URL(url);
    this.#pool = new Pool(origin, { connections });
    this.#path = pathname;
  }

  /** Requests that were made before. */
  async sendAll(requests: readonly ReceivedHttp[]): Promise<void> {
    await rateOf(requests.length, this.inFlight, (nth) => this.#send(requests[nth]!));
  }

  /** The same requests, each made and signed when it is sent, by the same libraries, as a program without us has to. */
  async makeAndSendAll(requests: readonly RequestByHand[], secret: string): Promise<void> {
    const webhook = new Webhook(secret);
    await rateOf(requests.length, this.inFlight, (nth) => {
      const { events, headers } = requests[nth]!;
      const [body, now] = [bodyOf(events), new Date()];
      const signature = {
        'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
        'webhook-signature': webhook.sign(headers['webhook-id']!, now, body),
      };
      return this.#send({ headers: { ...headers, ...signature }, body });
    });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #send({ headers, body }: ReceivedHttp): Promise<void> {
    const answer = await this.#pool.request({ method: 'POST', path: this.#path, headers, body });
    await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`the counting server answered ${answer.statusCode}`);
  }
}

/** The SDK writes single events, and no batches. */
function bodyOf(events: RequestByHand['events']): string {
  const made = (attributes: Attributes): CloudEvent<unknown> => new CloudEvent(attributes, false);
  return Array.isArray(events) ? JSON.stringify(events.map(made)) : (HTTP.structured(made(events as Attributes)).body as string);
}
