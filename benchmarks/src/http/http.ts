import { randomBytes, randomUUID } from 'node:crypto';
import { Catalogue, outboxMessage } from '@waybill/core';
import type { Checkpoint, OutboxMessage, Sink } from '@waybill/core';
import { HttpSink } from '@waybill/http';
import type { HttpSinkOptions } from '@waybill/http';
import { presets } from '@waybill/resilience';
import { aDeliveryContext } from '@waybill/testing';
import { atLeast } from '../figure.js';
import type { Figure, Verdict } from '../figure.js';
import { OrderPlaced, PAYLOAD } from '../order.js';
import { inTurn } from '../rounds.js';
import { rateOf } from '../side-by-side.js';
import type { Sizes } from '../sizes.js';
import { verdictOn } from './arrived.js';
import type { CountingServer } from './counting-server.js';
import type { ReceivedHttp } from './counting-reports.js';
import { RawClient } from './raw-client.js';
import type { RequestByHand } from './raw-client.js';

const LANES = 8;
const BATCH = 100;
const EACH = 2; // messages of a stream in a batch
const IN_FLIGHT = 8;
/** A server that has something to do, in the same building. */
const UNHURRIED_MS = 5;
const { connections } = presets.steady.pool;
const BY_HAND = 'undici, the same made and signed by the same libraries';
const MADE_BEFORE = 'undici, the same made before';

/** Signed CloudEvents, one a request, and a hundred a request. */
export async function http({ rounds, httpMessages }: Sizes, server: CountingServer): Promise<readonly Figure[]> {
  const named = (messages: number, answered: string): string => `HTTP sink, ${messages} signed, one a request, answered ${answered}`;
  const [fewer, more] = [Math.max(BATCH, httpMessages / 4), httpMessages * 4];
  const [byHand, madeBefore] = await against(server, { rounds, messages: httpMessages, mode: 'structured', afterMs: 0 });
  const [unhurried] = await against(server, { rounds, messages: fewer, mode: 'structured', afterMs: UNHURRIED_MS });
  const [many] = await against(server, { rounds, messages: more, mode: 'batch', afterMs: 0 });
  return [
    { ...byHand, name: named(httpMessages, 'at once'), target: atLeast(0.9, byHand.ratio) },
    { ...madeBefore, name: named(httpMessages, 'at once') },
    { ...unhurried, name: named(fewer, `after ${UNHURRIED_MS} ms`), target: atLeast(0.9, unhurried.ratio) },
    { ...many, name: `HTTP sink, ${more} signed, ${BATCH} a request`, target: atLeast(0.9, many.ratio) },
  ];
}

type Compared = Omit<Figure, 'name'> & { readonly ratio: number };

interface Measure {
  readonly rounds: number;
  readonly messages: number;
  readonly mode: NonNullable<HttpSinkOptions['mode']>;
  /** How long the server takes for an answer. */
  readonly afterMs: number;
}

/**
 * The same requests to the same server: those that the sink makes, held against the sink's own of a run before, made
 * and signed by the same libraries and sent by undici, or only sent.
 */
async function against(server: CountingServer, { rounds, messages, mode, afterMs }: Measure): Promise<readonly [Compared, Compared]> {
  const secrets = `whsec_${randomBytes(32).toString('base64')}`;
  const url = server.url(afterMs);
  const sink = new HttpSink({ source: '/benchmark', url, mode, secrets, idempotent: true, inFlight: IN_FLIGHT });
  const raw = new RawClient(url, connections, mode === 'batch' ? 1 : IN_FLIGHT);
  const batches = batchesOf(messages);
  const verdicts = new Map<string, Verdict>();
  const judged = (name: string, lane: (nth: number) => Promise<void>) => async (): Promise<number> => {
    const rate = await rateOf(batches.length, LANES, lane);
    const verdict = verdictOn(await server.counted(), batches.flat());
    if (verdicts.get(name)?.right !== false) verdicts.set(name, verdict);
    return rate * BATCH;
  };
  try {
    const requests = await recordedOf(batches, sink, server);
    const byHand = requests.map((lane) =>
      lane.map(({ headers, body }) => ({ headers, events: JSON.parse(body) as RequestByHand['events'] })),
    );
    const result = await inTurn(Math.min(rounds, 5), {
      ours: judged('ours', (nth) => deliver(sink, batches[nth]!)),
      [BY_HAND]: judged(BY_HAND, (nth) => raw.makeAndSendAll(byHand[nth]!, secrets)),
      [MADE_BEFORE]: judged(MADE_BEFORE, (nth) => raw.sendAll(requests[nth]!)),
    });
    const to = (name: typeof BY_HAND | typeof MADE_BEFORE): Compared => ({
      ...{ section: 'http', unit: 'messages/s', ours: result.rate('ours'), verdict: verdicts.get('ours')! },
      yardstick: { name, value: result.rate(name), verdict: verdicts.get(name)! },
      ratio: result.ratio('ours', name),
    });
    return [to(BY_HAND), to(MADE_BEFORE)];
  } finally {
    await sink.stop();
    await raw.close();
  }
}

async function deliver(sink: Sink, batch: readonly OutboxMessage[]): Promise<void> {
  const { accepted, failure } = await sink.deliver(batch, aDeliveryContext());
  if (accepted !== batch.length) throw failure ?? new Error(`${accepted} of ${batch.length} accepted`);
}

/** What the sink sends of each batch, headers and bodies. */
async function recordedOf(batches: Batches, sink: Sink, server: CountingServer): Promise<readonly (readonly ReceivedHttp[])[]> {
  const recorded: (readonly ReceivedHttp[])[] = [];
  for (const batch of batches) {
    await deliver(sink, batch);
    recorded.push((await server.recorded()).map(({ headers, body }) => ({ headers: withoutConnection(headers), body })));
  }
  return recorded;
}

/** The client's own headers are made by each client. */
function withoutConnection(headers: ReceivedHttp['headers']): ReceivedHttp['headers'] {
  const { host: _host, connection: _connection, 'content-length': _length, 'transfer-encoding': _encoding, ...others } = headers;
  return others;
}

type Batches = readonly (readonly OutboxMessage[])[];

/** A stream is in one batch only, so that batches may go side by side as those of lanes do. */
function batchesOf(messages: number): Batches {
  const [catalogue, run] = [new Catalogue([OrderPlaced]), randomUUID().slice(0, 8)];
  const streams = BATCH / EACH;
  const message = (batch: number, nth: number): OutboxMessage =>
    outboxMessage(
      {
        ...{ id: randomUUID(), kind: 'event', type: 'OrderPlaced', schemaVersion: 1, codec: 'json', payload: JSON.stringify(PAYLOAD) },
        ...{ stream: `order-${run}-${batch * streams + (nth % streams)}`, revision: BigInt(Math.floor(nth / streams)) },
        ...{ position: BigInt(batch * BATCH + nth), metadata: { correlationId: randomUUID() } },
        ...{ occurredAt: new Date(), recordedAt: new Date(), checkpoint: {} as Checkpoint },
      },
      catalogue,
    );
  return Array.from({ length: Math.ceil(messages / BATCH) }, (_, batch) => Array.from({ length: BATCH }, (_, nth) => message(batch, nth)));
}
