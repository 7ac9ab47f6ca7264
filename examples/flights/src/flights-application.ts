import type { Dispatcher, Reached, UnitOfWork } from '@waybill/core';
import type { EventStoreDB } from '@waybill/eventstoredb';
import type { DatabaseEvidence } from './evidence.js';

/** The application on one database: what a file in `composition/` puts together. From here on nothing knows which database it is. */
export interface FlightsApplication {
  unitOfWork(eventstore: EventStoreDB, reached: Reached): UnitOfWork;
  dispatcher(eventstore: EventStoreDB, options: { readonly instance: string; readonly leaseMs: number }): Dispatcher<FlightRoute>;
  readonly evidence: DatabaseEvidence;
  /** What the run has to itself, for a person who wants to look at it: `schema waybill_flights_x`. */
  readonly place: string;
  /** Creates tables or collections, Waybill's and the application's own, under a name that only this run uses. */
  create(): Promise<void>;
  /** Removes what `create` made. */
  drop(): Promise<void>;
  close(): Promise<void>;
}

export type FlightRoute = 'eventstoredb' | 'notices';
