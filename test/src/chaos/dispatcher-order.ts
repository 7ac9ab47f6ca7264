import type { Moment } from '@waybill/core';

export type DatabaseKind = 'postgres' | 'mongodb';

/** Where a database is, as one process reaches it. */
export interface DatabasePlace {
  readonly kind: DatabaseKind;
  readonly url: string;
  /** MongoDB's name for it; PostgreSQL has it in the URL. */
  readonly name: string;
}

/** What a dispatcher process is told when it starts. */
export interface DispatcherOrder {
  readonly instance: string;
  readonly database: DatabasePlace;
  readonly eventstoredb: string;
  /** Port of the acceptance log on loopback. */
  readonly log: number;
  readonly leaseMs: number;
  readonly batchSize: number;
  /** Ends itself with SIGKILL at this moment: closer than any signal from outside can aim. */
  readonly crashAt?: { readonly moment: Moment; readonly nth: number };
  /** Connections to the database that it may have, while something else in the process wants them too. */
  readonly hoggedPool?: number;
}
