import type { Connection } from '../connect-to.js';
import type { Address } from '../shop.js';

/** What a process follows, and how. */
export interface FollowerTask {
  readonly by: 'ours' | 'byHand';
  readonly address: Address;
  /** Of the EventStoreDB. */
  readonly url: string;
  readonly category: string;
  /** Whether each event is written, or only the place of each batch. */
  readonly writes: boolean;
}

/** Go on, from the stored place, until it is so many events in all; or end. */
export interface FollowerOrder {
  readonly through: number | 'end';
}

export interface Followed {
  /** How many in this time. */
  readonly followed: number;
  readonly ms: number;
  /** Since it began, those that it had done by the time it stood still included. */
  readonly total: number;
}

export interface FollowerReport extends Followed {
  /** What the process needed of the processor. */
  readonly processorMs: number;
  readonly residentMB: readonly number[];
}

export interface Follows {
  until(through: number): Promise<Followed>;
  close(): Promise<void>;
}

export type StartFollowing = (task: FollowerTask, connection: Connection) => Promise<Follows>;

/** Events in a transaction: what a projection that follows takes by default. */
export const BATCH = 500;
