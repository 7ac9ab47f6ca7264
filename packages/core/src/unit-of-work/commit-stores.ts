import type { SnapshotStore } from '../aggregate/snapshot-store.js';
import type { OutboxStore } from '../outbox/outbox-store.js';
import type { WakeUps } from '../outbox/wake-ups.js';
import type { IdempotencyStore } from './idempotency-store.js';
import type { TransactionRunner } from './transaction-runner.js';

/** What a unit of work needs of a database; part of every `Database`. */
export interface CommitStores<Tx> {
  readonly transactions: TransactionRunner<Tx>;
  readonly outbox: OutboxStore<Tx>;
  readonly snapshots: SnapshotStore<Tx>;
  readonly idempotency: IdempotencyStore<Tx>;
  readonly wakeUps: WakeUps;
}
