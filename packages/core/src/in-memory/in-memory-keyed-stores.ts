import type { Snapshot, SnapshotStore } from '../aggregate/snapshot-store.js';
import { LeaseLostError } from '../errors.js';
import type { InboxClaim, InboxStore } from '../inbox/inbox-store.js';
import type { IdempotencyStore } from '../unit-of-work/idempotency-store.js';
import { laneKey } from './in-memory-place.js';
import type { InMemoryState } from './in-memory-state.js';
import type { InMemoryTransactions, InMemoryTx } from './in-memory-transactions.js';

const keyOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);

export class InMemoryInbox implements InboxStore<InMemoryTx> {
  constructor(
    private readonly state: InMemoryState,
    private readonly transactions: InMemoryTransactions,
  ) {}

  async claim(claim: InboxClaim, tx: InMemoryTx): Promise<boolean> {
    const key = keyOf(claim.handler, claim.messageId);
    await this.transactions.lock(`claim ${key}`, tx);
    this.#refuseLostLane(claim, tx); // once the pair is locked: who takes the lane after this look waits for this transaction
    if (this.state.claims.has(key) || tx.own.has(`claim ${key}`)) return false;
    tx.own.set(`claim ${key}`, true);
    tx.onCommit(() => this.state.claims.set(key, claim));
    return true;
  }

  claimed(handler: string, messageId: string, tx?: InMemoryTx): Promise<boolean> {
    const key = keyOf(handler, messageId);
    return Promise.resolve(this.state.claims.has(key) || tx?.own.has(`claim ${key}`) === true);
  }

  #refuseLostLane({ lane }: InboxClaim, tx: InMemoryTx): void {
    if (!lane || !this.state.routes.has(lane.route)) return;
    if (this.state.lanes.get(laneKey(lane.route, lane.lane))?.epoch !== lane.epoch)
      throw (tx.doomed = new LeaseLostError(lane.route, lane.lane, lane.epoch));
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
