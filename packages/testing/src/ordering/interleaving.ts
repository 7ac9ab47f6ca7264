import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isWaybillError } from '@waybill/core';
import type { OutboxRow } from '@waybill/core';
import fc from 'fast-check';
import { anAppend } from '../builders/a-message.js';
import { gate } from '../builders/gate.js';
import type { Fixture } from '../contract/fixture.js';
import { deliverAll } from './leased-route.js';
import type { LeasedRoute } from './leased-route.js';
import { streamsOfOneLane } from './streams-of-one-lane.js';

/** A few transactions, and the order in which they take their steps and the reader looks. */
export interface Plan {
  readonly transactions: readonly PlannedTransaction[];
  /** Whose turn it is: the number of a transaction, or the reader's. */
  readonly turns: readonly (number | 'read')[];
}

interface PlannedTransaction {
  /** Streams it appends to, at once. */
  readonly streams: readonly number[];
  readonly rollsBack: boolean;
}

class RolledBack extends Error {}

// Long enough for a step that nobody blocks, short enough to try many: a step that takes longer only makes another plan.
const STEP_MS = 8;
const MOST_TRANSACTIONS = 5; // open at once, beside the reader
const STREAMS = 5; // few enough to meet in, enough not to wait for each other all the time
const STEPS = 3; // write something else; append; end
const READS = 6;

/** Tries `check` on random plans, and shrinks the one that fails. */
export async function interleavings(tries: number, check: (plan: Plan) => Promise<void>): Promise<void> {
  await fc.assert(fc.asyncProperty(plans(), check), { numRuns: tries, interruptAfterTimeLimit: 40_000 });
}

/** Carries the plan out: what was committed, as revisions by stream, and what the reader got. */
export async function interleave<Tx>(
  { transactions, turns }: Plan,
  { fixture, route }: { fixture: Fixture<Tx, 'transactions' | 'outbox'>; route: LeasedRoute & { prefix: string } },
): Promise<{ committed: Map<string, number[]>; delivered: OutboxRow[] }> {
  const committed = new Map<string, number[]>();
  const delivered: OutboxRow[] = [];
  const streams = streamsOfOneLane(route, STREAMS);
  const actors = transactions.map((planned) => startTransaction(planned, fixture, streams, committed));

  for (const turn of turns) {
    if (turn === 'read') delivered.push(...(await deliverAll(route)));
    else await Promise.race([actors[turn]?.step(), sleep(STEP_MS)]);
  }
  for (const actor of actors) actor.finish();
  await Promise.all(actors.map(({ ended }) => ended));
  delivered.push(...(await deliverAll(route)));
  for (const revisions of committed.values()) revisions.sort((a, b) => a - b);
  return { committed, delivered };
}

interface Actor {
  /** Lets the transaction take its next step; resolves when it has, which it may not while another one blocks it. */
  step(): Promise<void>;
  finish(): void;
  readonly ended: Promise<void>;
}

function startTransaction<Tx>(
  { streams, rollsBack }: PlannedTransaction,
  { database, write }: Fixture<Tx, 'transactions' | 'outbox'>,
  allStreams: readonly string[],
  committed: Map<string, number[]>,
): Actor {
  const may = Array.from({ length: STEPS }, gate);
  const did = Array.from({ length: STEPS }, gate);
  let next = 0;
  const names = streams.map((stream) => allStreams[stream]!);

  const run = async (): Promise<void> => {
    await may[0]!.opened; // takes a connection only when it begins
    const { firstRevisions } = await database.transactions.run(async (tx) => {
      await write(randomUUID(), tx);
      did[0]!.open();
      await may[1]!.opened;
      const appended = await database.outbox.append(
        names.map((name) => anAppend(name)),
        tx,
      );
      did[1]!.open();
      await may[2]!.opened;
      if (rollsBack) throw new RolledBack();
      return appended;
    });
    for (const [index, name] of names.entries()) committed.set(name, [...(committed.get(name) ?? []), Number(firstRevisions[index])]);
  };
  const ended = run()
    .catch((error: unknown) => {
      const expected = error instanceof RolledBack || isWaybillError(error, 'CONCURRENCY') || isWaybillError(error, 'TRANSACTION_CONFLICT');
      if (!expected) throw error;
    })
    .finally(() => did.forEach(({ open }) => open()));
  ended.catch(() => {}); // told when it is awaited

  return {
    step: () => {
      const step = next++;
      may[step]?.open();
      return did[step]?.opened ?? Promise.resolve();
    },
    finish: () => may.forEach(({ open }) => open()),
    ended,
  };
}

function plans(): fc.Arbitrary<Plan> {
  const transaction = fc.record({
    streams: fc.uniqueArray(fc.nat({ max: STREAMS - 1 }), { minLength: 1, maxLength: 2 }),
    rollsBack: fc.nat({ max: 4 }).map((nth) => nth === 4),
  });
  return fc.array(transaction, { minLength: 2, maxLength: MOST_TRANSACTIONS, size: 'max' }).chain((transactions) => {
    const steps = transactions.flatMap((_, nth) => Array.from({ length: STEPS }, (): number | 'read' => nth));
    const all = [...steps, ...Array.from({ length: READS }, () => 'read' as const)];
    return fc.record({ transactions: fc.constant(transactions), turns: fc.shuffledSubarray(all, { minLength: all.length }) });
  });
}
