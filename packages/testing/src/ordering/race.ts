import { setTimeout as sleep } from 'node:timers/promises';
import { isWaybillError } from '@waybill/core';
import { aMessage, anAppend } from '../builders/a-message.js';
import type { Fixture } from '../contract/fixture.js';
import { deliverAll, leaseRoute } from './leased-route.js';
import { RaceLog } from './race-log.js';
import type { RaceResult } from './race-log.js';

export interface RaceOptions<Tx> {
  readonly fixture: Fixture<Tx, 'transactions' | 'outbox' | 'routes' | 'leases' | 'lanes'>;
  /** Transactions side by side. Default 20. */
  readonly writers?: number;
  /** Streams they append to. Default 40. */
  readonly streams?: number;
  /** Ends when so many messages are committed. Default 1,000. */
  readonly events?: number;
  /** Part of the transactions that roll back after their appends. Default 0.1. */
  readonly rollbacks?: number;
  /** All the while one transaction after another writes something else and stays open for so long. Default 0: none does. */
  readonly foreignTransactionMs?: number;
  /** Longest random pause inside a transaction, before and after its append. Default 3 ms. */
  readonly pauseMs?: number;
  readonly order?: 'stream' | 'global';
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random?: () => number;
}

class RolledBack extends Error {}

/**
 * Lets many transactions append to few streams, each after a write of its own, with random pauses and rollbacks, while a reader
 * empties the lanes as they fill; then counts what the reader got against what was committed.
 */
export async function race<Tx>(options: RaceOptions<Tx>): Promise<RaceResult> {
  const { fixture, writers = 20, events = 1_000, foreignTransactionMs = 0, order = 'stream', random = Math.random } = options;
  const log = new RaceLog(order);
  const prefix = `race-${Math.floor(random() * 2 ** 52).toString(36)}-`;
  const route = await leaseRoute(fixture.database, { order, selection: { streams: [prefix] }, leaseMs: 3_600_000 });

  const over = new AbortController();
  const foreign = foreignTransactionMs > 0 ? [holdForeignTransactions(fixture, foreignTransactionMs, over.signal)] : [];
  const writing = Array.from({ length: writers }, () => write({ ...options, random }, { log, prefix, events, over }));
  const written = Promise.allSettled(writing);
  let ended = false;
  void written.then(() => (ended = true));

  try {
    while (!ended) {
      log.delivered(await deliverAll(route));
      await sleep(1);
    }
    log.delivered(await deliverAll(route));
  } finally {
    over.abort();
    await written;
    await Promise.allSettled(foreign);
    await fixture.database.leases.release(route.held.map(({ lease }) => lease));
  }
  await Promise.all([...writing, ...foreign]); // whoever failed says so
  return log.result();
}

interface Course {
  readonly log: RaceLog;
  readonly prefix: string;
  readonly events: number;
  readonly over: AbortController;
}

async function write<Tx>(options: RaceOptions<Tx>, { log, prefix, events, over }: Course): Promise<void> {
  const { fixture, streams = 40, rollbacks = 0.1, pauseMs = 3, random = Math.random } = options;
  const pick = (below: number): number => Math.floor(random() * below);
  const pause = (): Promise<void> => sleep(pick(pauseMs + 1));

  while (log.committed < events && !over.signal.aborted) {
    const one = pick(streams);
    const chosen = random() < 0.3 ? [one, (one + 1 + pick(streams - 1)) % streams] : [one];
    const appends = chosen.map((stream) =>
      anAppend(`${prefix}${stream}`, { messages: Array.from({ length: 1 + pick(3) }, () => aMessage()) }),
    );
    const commit = log.begin();
    try {
      const { firstRevisions } = await fixture.database.transactions.run(async (tx) => {
        await fixture.write(`${prefix}${appends[0]!.messages[0]!.id}`, tx);
        await pause();
        const appended = await fixture.database.outbox.append(appends, tx);
        await pause();
        if (random() < rollbacks) throw new RolledBack();
        return appended;
      });
      commit(appends, firstRevisions);
    } catch (error) {
      if (error instanceof RolledBack || isConflict(error)) continue;
      over.abort();
      throw error;
    }
  }
}

async function holdForeignTransactions<Tx>({ database, write }: Fixture<Tx, 'transactions'>, ms: number, over: AbortSignal): Promise<void> {
  for (let nth = 1; !over.aborted; nth++) {
    await database.transactions.run(async (tx) => {
      await write(`foreign-${nth}`, tx);
      await sleep(ms, undefined, { signal: over }).catch(() => {}); // nobody needs it any longer once the race is over
    });
  }
}

const isConflict = (error: unknown): boolean => isWaybillError(error, 'CONCURRENCY') || isWaybillError(error, 'TRANSACTION_CONFLICT');
