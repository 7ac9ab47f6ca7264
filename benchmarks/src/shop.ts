import type { Database } from '@waybill/core';
import type { OrderTotals } from './follow/order-totals.js';
import type { NaiveOutbox } from './naive-outbox.js';
import type { ByHandInbox } from './receive/by-hand-inbox.js';

/** Where an outbox is, as another process can be told. */
export interface Address {
  readonly kind: 'postgres' | 'mongodb';
  readonly url: string;
  readonly database: string;
}

/** What an outbox and the read model beside it hold, counted. */
export interface Holdings {
  readonly heads: number;
  readonly messages: number;
  readonly listed: number;
  /** Heads, messages and projections that name each other. */
  readonly whole: number;
}

/**
 * A migrated outbox and an application's read model, in a database of their own; and beside them what the sections need said in the
 * database's own language.
 */
export interface Shop<Tx> {
  readonly database: Database<Tx>;
  readonly address: Address;
  /** One row, or document, of the read model. */
  insertOrder(id: string, tx: Tx): Promise<unknown>;
  /** What a careful person writes with the driver alone, into the same outbox. No checks, no unknown outcomes, no wake-ups. */
  commitByHand(id: string): Promise<void>;
  readonly naive: NaiveOutbox;
  readonly inboxByHand: ByHandInbox;
  readonly totals: OrderTotals<Tx>;
  holdings(): Promise<Holdings>;
  /** How many claims the inbox holds. */
  claims(): Promise<number>;
  /** How many statements, or commands, Waybill has sent so far; of a shop that counts. */
  sent(): number;
  /** A commit that has nothing to do with Waybill, over a connection of its own. */
  commitSomethingElse(): Promise<unknown>;
  /** What the server does by itself by the time that many rows are there. */
  tidy(): Promise<void>;
}

export interface ShopOptions {
  readonly lanes?: number;
  /** Counting costs time. Default false. */
  readonly counts?: boolean;
}
