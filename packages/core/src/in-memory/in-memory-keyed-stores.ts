import type { Snapshot, SnapshotStore } from '../aggregate/snapshot-store.js';
import type { InboxClaim, InboxStore } from '../inbox/inbox-store.js';
import type { IdempotencyStore } from '../unit-of-work/idempotency-store.js';
import type { InMemoryState } from './in-memory-state.js';
import type { InMemoryTransactions, InMemoryTx } from './in-memory-transactions.js';

const keyOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);

export class InMemoryInbox implements InboxStore<InMemoryTx> {
  constructor(
    private readonly state: InMemoryState,
    private readonly transactions: InMemoryTransactions,
  ) {}

  async claim({ handler, messageId }: InboxClaim, tx: InMemoryTx): Promise<boolean> {
    const key = keyOf(handler, messageId);
    await this.transactions.lock(`claim ${key}`, tx);
    if (this.state.claims.has(key) || tx.own.has(`claim ${key}`)) return false;
    tx.own.set(`claim ${key}`, true);
    tx.onCommit(() => this.state.claims.add(key));
    return true;
  }

  claimed(handler: string, messageId: string, tx?: InMemoryTx): Promise<boolean> {
    const key = keyOf(handler, messageId);
    return Promise.resolve(this.state.claims.has(key) || tx?.own.has(`claim ${key}`) === true);
  }
}

export class InMemoryIdempotency implements IdempotencyStore<InMemoryTx> {
  constructor(
    private readonly state: InMemoryState,
    private readonly transactions: InMemoryTransactions,
  ) {}

  async claim(key: string, tx: InMemoryTx): Promise<string | undefined> {
    await this.transactions.lock(`idempotency ${key}`, tx);
    return this.state.outcomes.get(key);
  }

  record(key: string, outcome: string, tx: InMemoryTx): Promise<void> {
    tx.onCommit(() => this.state.outcomes.set(key, outcome));
    return Promise.resolve();
  }
}

export class InMemorySnapshots implements SnapshotStore<InMemoryTx> {
  constructor(private readonly state: InMemoryState) {}

  load(stream: string, version: number, _tx: InMemoryTx): Promise<Snapshot | undefined> {
    return Promise.resolve(this.state.snapshots.get(keyOf(stream, version)));
  }

  save(snapshot: Snapshot, tx: InMemoryTx): Promise<void> {
    const key = keyOf(snapshot.stream, snapshot.version);
    tx.onCommit(() => {
      const stored = this.state.snapshots.get(key);
      if (!stored || stored.revision < snapshot.revision) this.state.snapshots.set(key, snapshot);
    });
    return Promise.resolve();
  }
}
