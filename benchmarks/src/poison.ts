import { Dispatcher, MessageRejectedError } from '@waybill/core';
import type { Database, Delivery, FailurePolicy, OutboxMessage, Sink } from '@waybill/core';
import { EACH, fill, STREAMS } from './backlog.js';
import { delivered } from './drain-once.js';
import type { Drained } from './drain-once.js';
import { atLeast } from './figure.js';
import type { Figure } from './figure.js';
import { OrderPlaced } from './order.js';
import { inTurn } from './rounds.js';
import type { Scratch } from './scratch.js';
import type { Sizes } from './sizes.js';
import { Tally } from './tally.js';

const POISONED = 'order-0';
const LANES = 8;

/** Accepts everything and counts it, but for one stream. */
class PickySink implements Sink {
  readonly tally = new Tally();

  constructor(private readonly refuses: string | undefined) {}

  async deliver(batch: readonly OutboxMessage[]): Promise<Delivery> {
    const bad = batch.findIndex(({ stream }) => stream === this.refuses);
    const accepted = bad < 0 ? batch.length : bad;
    for (const { stream, revision } of batch.slice(0, accepted)) if (stream !== POISONED) this.tally.take(stream, Number(revision));
    if (bad < 0) return { accepted };
    const { id, stream, revision } = batch[bad]!;
    return { accepted, failure: new MessageRejectedError(id, stream, revision, 'poison') };
  }
}

/** A backlog in which one stream of a thousand is refused, beside the same backlog without: what the others notice of it. */
export async function poison<Tx>({ rounds, backlog }: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  const { database } = await scratch.shop({ lanes: LANES });
  await fill(database, backlog);
  const others = backlog - Math.ceil(backlog / EACH / STREAMS) * EACH;
  const tallies = new Map<string, Tally>();
  let route = 0;
  const noting = (name: string, onFailure: FailurePolicy, refuses?: string) => async () => {
    const expected = refuses === undefined ? backlog : others;
    const { tally, rate } = await drainPoisoned(database, { route: `poison-${route++}`, onFailure, refuses, expected });
    tallies.set(name, tally);
    return rate;
  };
  const result = await inTurn<string>(Math.min(rounds, 5), {
    healthy: noting('healthy', 'park-stream'),
    'halt-stream': noting('halt-stream', 'halt-stream', POISONED),
    'park-stream': noting('park-stream', 'park-stream', POISONED),
  });

  return ['halt-stream', 'park-stream'].map((policy) => {
    const ratio = result.ratio(policy, 'healthy');
    return {
      ...{
        section: 'poison',
        unit: 'messages/s',
        name: `${backlog}, 1 of ${STREAMS} streams refused, ${policy}`,
        ours: result.rate(policy),
      },
      yardstick: { name: 'the same, none refused', value: result.rate('healthy'), verdict: tallies.get('healthy')!.verdict(others) },
      ...{ ratio, verdict: tallies.get(policy)!.verdict(others), target: atLeast(0.95, ratio, '>= 0.95x') },
    };
  });
}

interface Poisoned {
  readonly route: string;
  readonly onFailure: FailurePolicy;
  readonly refuses: string | undefined;
  /** How many messages are delivered in the end. */
  readonly expected: number;
}

async function drainPoisoned<Tx>(database: Database<Tx>, { route, onFailure, refuses, expected }: Poisoned): Promise<Drained> {
  const sink = new PickySink(refuses);
  const dispatcher = new Dispatcher({ database, catalogue: [OrderPlaced], routes: { [route]: { sink, start: 'beginning', onFailure } } });
  const startedAt = performance.now();
  const settled = delivered(dispatcher, expected);
  await dispatcher.start();
  await settled;
  const rate = (expected / (performance.now() - startedAt)) * 1_000;
  await dispatcher.stop();
  return { tally: sink.tally, rate };
}
