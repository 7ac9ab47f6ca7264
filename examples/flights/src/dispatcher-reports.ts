import type { FlightRoute } from './flights-application.js';
import type { DatabasePlace } from './composition/flights-on.js';

/** What a dispatcher process is told when it starts. */
export interface DispatcherOrder extends DatabasePlace {
  readonly eventstoredb: string;
  readonly instance: string;
  readonly leaseMs: number;
}

export type LanePlace = `${FlightRoute}/${number}`;

/** What it tells while it runs. */
export type DispatcherReport =
  | { readonly kind: 'started' }
  /** It runs one more lane. `takenOver`: from a process that did not give it back. */
  | { readonly kind: 'lane'; readonly place: LanePlace; readonly takenOver: boolean }
  /** It runs one lane less. */
  | { readonly kind: 'lane-gone'; readonly place: LanePlace }
  | { readonly kind: 'delivered'; readonly place: LanePlace; readonly count: number }
  | { readonly kind: 'trouble' | 'halted'; readonly what: string };
