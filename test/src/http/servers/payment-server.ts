import { answering } from './answers.js';
import { resetting } from './broken-answers.js';
import { HostileServer } from './hostile-server.js';
import type { Answer, SeenRequest } from './hostile-server.js';
import { silent } from './late-answers.js';

/** What becomes of an order to pay: whether the money is taken, and what the one who asked for it hears. */
export interface Payment {
  /** `later`: not before {@link PaymentServer.catchUp}; until then its state is `pending`. */
  readonly charges: 'yes' | 'no' | 'later';
  readonly then: 'answers' | 'hangs' | 'resets' | 504 | 502 | 503 | 500;
}

export interface PaymentServerOptions {
  /** Takes the money of one idempotency key once, however often it is asked. Default false: the key is only kept, to be asked for. */
  readonly idempotent?: boolean;
}

const WELL: Payment = { charges: 'yes', then: 'answers' };
const STATUS = /^\/charges\/([^/]+)$/;

/**
 * A payment provider on loopback.
 *
 * `POST /charges` takes money: 201 with `{ state: 'done', key }`; the key is the header `Idempotency-Key`.
 * `GET /charges/<key>` tells: 200 with `{ state: 'done' | 'not-done' | 'pending', key }`.
 */
export class PaymentServer {
  /** The keys that were charged, in order: one that is there twice has paid twice. */
  readonly charges: string[] = [];
  /** Is it told what was charged? Otherwise 503, or no answer. */
  status: 'up' | 'down' | 'silent' = 'up';
  readonly #planned: Payment[] = [];
  readonly #later: string[] = [];
  #server!: HostileServer;

  private constructor(private readonly options: PaymentServerOptions) {}

  static async start(options: PaymentServerOptions = {}): Promise<PaymentServer> {
    const payments = new PaymentServer(options);
    payments.#server = await HostileServer.start((request, response, nth) => {
      const answer = request.method === 'GET' ? payments.#tell(request) : payments.#take(request);
      answer(request, response, nth);
    });
    return payments;
  }

  /** Where payments are ordered; a slash and a key behind it, and it tells what became of one. */
  get url(): string {
    return `${this.#server.url}/charges`;
  }

  /** Orders to pay that arrived, and not the questions about them. */
  get orders(): readonly SeenRequest[] {
    return this.#server.requests.filter(({ method }) => method === 'POST');
  }

  /** The keys that were asked about, in order. */
  get questions(): readonly string[] {
    return this.#server.requests.filter(({ method }) => method === 'GET').map(({ path }) => keyAsked(path));
  }

  /** What becomes of the next orders, one after the other; those behind are taken well. */
  next(...payments: readonly Payment[]): void {
    this.#planned.push(...payments);
  }

  chargesOf(key: string): number {
    return this.charges.filter((charged) => charged === key).length;
  }

  /** Takes the money that was left for later. */
  catchUp(): void {
    for (const key of this.#later.splice(0)) this.#charge(key);
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #take({ headers }: SeenRequest): Answer {
    const key = headers['idempotency-key'];
    if (typeof key !== 'string') return answering(400, { title: 'an order to pay needs an Idempotency-Key' });
    const { charges, then } = this.#planned.shift() ?? WELL;
    if (charges === 'yes') this.#charge(key);
    if (charges === 'later') this.#later.push(key);
    if (then === 'hangs') return silent;
    if (then === 'resets') return resetting;
    return then === 'answers' ? answering(201, { state: this.#stateOf(key), key }) : answering(then, { title: 'trouble' });
  }

  #charge(key: string): void {
    if (!this.options.idempotent || !this.charges.includes(key)) this.charges.push(key);
  }

  #tell({ path }: SeenRequest): Answer {
    if (this.status === 'silent') return silent;
    if (this.status === 'down') return answering(503, { title: 'down' });
    const key = keyAsked(path);
    return answering(200, { state: this.#stateOf(key), key });
  }

  #stateOf(key: string): 'done' | 'pending' | 'not-done' {
    if (this.charges.includes(key)) return 'done';
    return this.#later.includes(key) ? 'pending' : 'not-done';
  }
}

const keyAsked = (path: string): string => decodeURIComponent(STATUS.exec(path)?.[1] ?? '');
