import { streamHash } from '@waybill/core';
import { gate } from '@waybill/testing';
import type { Ledger } from './ledger.js';
import type { WindowedDatabase } from './windowed-database.js';

interface OpenTransaction {
  readonly streams: readonly string[];
  end(how: 'commit' | 'roll-back'): void;
}

class RolledBack extends Error {}

/** Whoever commits messages. Its transactions overlap: a row gets its position long before it can be read. */
export class Application {
  readonly #open = new Map<string, OpenTransaction>();

  constructor(
    private readonly database: WindowedDatabase,
    private readonly ledger: Ledger,
    private readonly now: () => Date,
  ) {}

  /** Names of the transactions that are open, oldest first. */
  open(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** True while an open transaction has the stream's lock. */
  isLocked(stream: string): boolean {
    return [...this.#open.values()].some(({ streams }) => streams.includes(stream));
  }

  /** Appends so many messages to each stream, and leaves the transaction open. */
  begin(name: string, streams: readonly string[], count: number): void {
    const { database, ledger } = this;
    const end = gate();
    let rollsBack = false;
    const begunAfter = database.commits();
    const ran = database.transactions.run(async (tx) => {
      const appends = streams.map((stream) => ({
        ...{ stream, hash: streamHash(stream), expected: 'any' as const, adopt: false },
        messages: Array.from({ length: count }, (_, nth) => this.#message(`${name}.${stream}.${nth}`)),
      }));
      await database.outbox.append(appends, tx);
      for (const row of database.rows.slice(-streams.length * count)) ledger.appended(Object.assign(row, { begunAfter }));
      await end.opened;
      if (rollsBack) throw new RolledBack();
    });
    ran.then(
      () => database.wakeUps.nudge('committed', streams.map(streamHash)),
      (error: unknown) => {
        if (!(error instanceof RolledBack)) ledger.breaks('nothing fails that nobody planned', `a commit failed: ${String(error)}`);
      },
    );
    this.#open.set(name, {
      streams,
      end: (how) => {
        rollsBack = how === 'roll-back';
        this.#open.delete(name);
        end.open();
      },
    });
  }

  end(name: string, how: 'commit' | 'roll-back'): boolean {
    const transaction = this.#open.get(name);
    transaction?.end(how);
    return transaction !== undefined;
  }

  #message(id: string) {
    const content = { kind: 'event' as const, type: 'Happened', schemaVersion: 1, codec: 'json', payload: '{}' };
    return { id, ...content, occurredAt: this.now(), metadata: { correlationId: id } };
  }
}
