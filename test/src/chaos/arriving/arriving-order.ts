import type { Moment } from '@waybill/core';
import type { DatabasePlace } from '../dispatcher-order.js';

/** What the process is: each takes what is written in EventStoreDB, and keeps what came of it in its database. */
export type Role = 'log' | 'group' | 'projection' | 'process';

/** Moments of the product, and some that lie in code of the application. */
export type ArrivingMoment =
  | Moment
  /** The position is moved on, and nothing committed. */
  | 'advanced'
  /** Tables are made, the switch is done, tables are dropped; nothing of it committed. */
  | `generation-${'prepared' | 'activated' | 'retired'}`
  /** A status query was answered; a time-out fires; what it did is sent, or committed. */
  | `process-${'asked' | 'fired' | 'appended' | 'committed'}`;

export interface Ending {
  readonly moment: ArrivingMoment;
  /** At which time. */
  readonly nth: number;
  /** By SIGKILL or SIGSTOP, from itself: closer than any signal from outside can aim. */
  readonly by: 'kill' | 'freeze';
}

/** What a process is told when it starts. */
export interface ArrivingOrder {
  readonly role: Role;
  readonly instance: string;
  readonly database: DatabasePlace;
  readonly eventstoredb: string;
  /** Category of the streams that it takes. */
  readonly category: string;
  /** Port of the till on loopback. */
  readonly till: number;
  readonly leaseMs: number;
  readonly ending?: Ending;
  /** A mistake that the books must show: effects are written in a transaction of their own. */
  readonly effectsApart?: boolean;
}
