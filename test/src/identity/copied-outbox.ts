import { randomUUID } from 'node:crypto';
import type { Database, Mark, OutboxIdentity, Witness } from '@waybill/core';
import { Dispatcher } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import { NoteWritten } from '../shop/notebook.js';
import { overlay } from '../testing/broken-database.js';

/** The part of an outbox that a restore takes back: its last mark. */
export class KeptMark implements OutboxIdentity {
  #mark: Mark;

  constructor(mark: Mark = { outboxId: randomUUID(), number: 0n, nonce: randomUUID() }) {
    this.#mark = mark;
  }

  mark(): Promise<Mark> {
    return Promise.resolve(this.#mark);
  }

  advance(from: Mark, to: Mark): Promise<boolean> {
    if (from.nonce !== this.#mark.nonce) return Promise.resolve(false);
    this.#mark = to;
    return Promise.resolve(true);
  }

  /** A snapshot, a clone, or a backup to be restored later. */
  copy(): KeptMark {
    return new KeptMark(this.#mark);
  }

  get number(): bigint {
    return this.#mark.number;
  }
}

export const databaseWith = (identity: OutboxIdentity): Database => overlay<Database>(new InMemoryDatabase(), { identity });

type Options = Partial<ConstructorParameters<typeof Dispatcher>[0]>;

export function dispatcherOn(identity: OutboxIdentity, witness: Witness, options: Options = {}): Dispatcher {
  return new Dispatcher({
    database: databaseWith(identity),
    catalogue: [NoteWritten],
    routes: { memory: { sink: new InMemorySink() } },
    witness,
    ...options,
  });
}
