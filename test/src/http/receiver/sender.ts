import { randomBytes, randomUUID } from 'node:crypto';
import { CloudEvent, HTTP } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import type { HttpReply, Problem, ReceivedRequest } from '@waybill/http';

/** A request as the `cloudevents` SDK lays it out and `standardwebhooks` signs it: nothing of it is made by the code under test. */
export interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export const aSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

export const SECRET = aSecret();

export function anEvent(overrides: Readonly<Record<string, unknown>> = {}): CloudEvent<unknown> {
  const id = randomUUID();
  return new CloudEvent<unknown>({
    id,
    source: 'https://shop.example.com',
    type: 'OrderPlaced',
    subject: 'order-7',
    time: '2025-01-01T00:00:00.000Z',
    datacontenttype: 'application/json',
    data: { customerId: 'c-1' },
    ...overrides,
  });
}

export const structured = (event: CloudEvent<unknown> = anEvent()): Sent => HTTP.structured(event) as Sent;

export const binary = (event: CloudEvent<unknown> = anEvent()): Sent => HTTP.binary(event) as Sent;

/** The SDK reads batches, and leaves it to others to write them: a JSON array of what it writes of each. */
export const batch = (events: readonly unknown[]): Sent => ({
  headers: { 'content-type': 'application/cloudevents-batch+json' },
  body: `[${events.map((event) => (event instanceof CloudEvent ? event.toString() : JSON.stringify(event))).join(',')}]`,
});

export interface Signing {
  readonly secrets?: readonly string[];
  readonly id?: string;
  readonly at?: Date;
}

/** The request with a signature for each secret. */
export function signed({ headers, body }: Sent, { secrets = [SECRET], at = new Date(), ...rest }: Signing = {}): Sent {
  const { id = headers['ce-id'] ?? randomUUID() } = rest;
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, at, body));
  return {
    body,
    headers: {
      ...headers,
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': signatures.join(' '),
    },
  };
}

/** As a server hands it over. */
export const received = ({ headers, body }: Sent, overrides: Partial<ReceivedRequest> = {}): ReceivedRequest => ({
  method: 'POST',
  headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
  body: Buffer.from(body),
  ...overrides,
});

/** The problem document of an answer, whose own status is that of the answer. */
export function problemOf({ status, headers, body }: HttpReply): Problem {
  if (headers['content-type'] !== 'application/problem+json') throw new Error(`Answer ${status} is no problem document: ${body}`);
  const problem = JSON.parse(body) as Problem;
  if (problem.status !== status) throw new Error(`The problem document says ${problem.status}, the answer ${status}.`);
  return problem;
}

/** Last word of the problem's type, e.g. `forged`. */
export const slugOf = (reply: HttpReply): string => problemOf(reply).type.replace('urn:waybill:problem:', '');
