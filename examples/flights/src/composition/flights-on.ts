import type { FlightsApplication } from '../flights-application.js';
import { flightsOnMongoDB } from './mongodb.js';
import { flightsOnPostgres } from './postgres.js';

const open = { postgres: flightsOnPostgres, mongodb: flightsOnMongoDB };

/** The databases that the demo knows. */
export type DatabaseKind = keyof typeof open;
export const DATABASES = Object.keys(open) as readonly DatabaseKind[];

/** Where the run's tables are, or its collections. */
export interface DatabasePlace {
  readonly database: DatabaseKind;
  readonly databaseUrl: string;
  readonly run: string;
}

export function openFlights({ database, databaseUrl, run }: DatabasePlace): FlightsApplication {
  return open[database](databaseUrl, run);
}
