import type { Timestamp } from 'bson';
import { tickOf, timestampOf } from '../store/cluster-time.js';

/**
 * How far a change stream has read: everything before, and including, one place in one oplog entry.
 *
 * A place is twice the number of the operation in its entry; the odd place behind it is the invalidation that the operation causes.
 */
export interface Position {
  readonly time: Timestamp;
  readonly place: number;
}

const BEFORE_ALL = -1;
const AFTER_ALL = 0xffff_fffe;

/** Nothing of what was committed at this time has been read. */
export function before(time: Timestamp): Position {
  return { time, place: BEFORE_ALL };
}

/** All that was committed at this time has been read. */
export function after(time: Timestamp): Position {
  return { time, place: AFTER_ALL };
}

export function isBeforeEntry({ place }: Position): boolean {
  return place === BEFORE_ALL;
}

export function isAfterEntry({ place }: Position): boolean {
  return place === AFTER_ALL;
}

/** The time strictly after which the entries are that have to be read from here on. */
export function readFrom(position: Position): Timestamp {
  return isAfterEntry(position) ? position.time : timestampOf(tickOf(position.time) - 1);
}

export function eventPlace(operation: number): number {
  return operation * 2;
}

export function invalidatePlace(operation: number): number {
  return operation * 2 + 1;
}

export function isInvalidate(position: Position): boolean {
  return !isBeforeEntry(position) && !isAfterEntry(position) && position.place % 2 === 1;
}
