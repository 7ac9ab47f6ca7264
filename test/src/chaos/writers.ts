import { setTimeout as sleep } from 'node:timers/promises';
import { UnitOfWork, isWaybillError } from '@waybill/core';
import type { Database } from '@waybill/core';
import { Order, orderEvents } from '../shop/order.js';
import type { Attempt, Placed } from './history.js';
import type { SeededRandom } from './seeded-random.js';

export interface WritersOptions {
  readonly database: Database;
  readonly random: SeededRandom;
  /** How many of them write side by side. */
  readonly count: number;
  /** Longest pause of a writer between two commits, in milliseconds. */
  readonly pauseMs: number;
}

class ChangedMyMind extends Error {}

const STREAMS = 12;
/** A stream is followed by another one when it is so long: loading reads all of it. */
const LONGEST_STREAM = 25;
const ROLLED_BACK = 0.1;

/** Customers who note things on orders, several at once on the same ones, and remember what they were told. */
export class Writers {
  readonly attempts: Attempt[] = [];
  readonly streams = new Set<string>();
  readonly #options: WritersOptions;
  readonly #unitOfWork: UnitOfWork;
  readonly #lengths = new Map<number, number>();
  readonly #writing: Promise<unknown>;
  #isOver = false;
  #texts = 0;

  constructor(options: WritersOptions) {
    this.#options = options;
    this.#unitOfWork = new UnitOfWork({ database: options.database, catalogue: orderEvents });
    this.#writing = Promise.all(Array.from({ length: options.count }, () => this.#write()));
    this.#writing.catch(() => {}); // `stop` says so
  }

  get committed(): number {
    return this.attempts.filter(({ outcome }) => outcome === 'committed').length;
  }

  /** Rejects when one of them got an error that no promise of ours explains. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { random, pauseMs } = this.#options;
    while (!this.#isOver) {
      const slots = random.chance(0.2)
        ? [random.between(0, STREAMS - 1), random.between(0, STREAMS - 1)]
        : [random.between(0, STREAMS - 1)];
      await this.#attempt(slots, random.chance(ROLLED_BACK));
      await sleep(random.between(0, pauseMs));
    }
  }

  async #attempt(slots: readonly number[], changesMind: boolean): Promise<void> {
    const { random } = this.#options;
    const notes = slots.map((slot) => ({ id: this.#orderAt(slot), texts: this.#newTexts(random.between(1, 3)) }));
    const texts = notes.flatMap((note) => note.texts);
    try {
      const { messages } = await this.#unitOfWork.run(async ({ find, track }) => {
        for (const { id, texts: lines } of notes) ((await find(Order, id)) ?? track(new Order(id))).note(...lines);
        if (changesMind) throw new ChangedMyMind();
      });
      this.attempts.push({
        texts,
        outcome: 'committed',
        messages: messages.map((message) => ({ ...message, revision: Number(message.revision) })),
      });
    } catch (error) {
      this.attempts.push({ texts, outcome: outcomeOf(error), messages: [] });
    }
  }

  #orderAt(slot: number): string {
    const length = (this.#lengths.get(slot) ?? 0) + 1;
    this.#lengths.set(slot, length);
    const id = `${slot}-${Math.floor(length / LONGEST_STREAM)}`;
    this.streams.add(`order-${id}`);
    return id;
  }

  #newTexts(count: number): readonly string[] {
    return Array.from({ length: count }, () => `text ${this.#texts++}`);
  }
}

/** What is promised of each error; anything else is a surprise, and nobody knows what it means. */
function outcomeOf(error: unknown): Attempt['outcome'] {
  if (isWaybillError(error, 'COMMIT_OUTCOME_UNKNOWN')) return 'unknown';
  if (error instanceof ChangedMyMind) return 'rolled-back';
  for (const code of ['CONCURRENCY', 'TRANSACTION_CONFLICT', 'DATABASE_UNAVAILABLE'] as const)
    if (isWaybillError(error, code)) return 'rolled-back';
  throw error;
}

/** Every row of these streams, as the database has them now. */
export async function rowsOf(database: Database, streams: Iterable<string>): Promise<readonly Placed[]> {
  const rows: Placed[] = [];
  for (const stream of streams) {
    const { tail } = await database.transactions.run((tx) => database.outbox.headAndTail(stream, 0n, tx));
    for (const { id, revision, payload } of tail) {
      rows.push({ id, stream, revision: Number(revision), text: (JSON.parse(payload) as { readonly text: string }).text });
    }
  }
  return rows;
}
