import type { FlightsApplication } from '../flights-application.js';
import { flightsOnPostgres } from './postgres.js';

/** Where the run's tables are. One field per database that the demo knows, of which one is set. */
export interface DatabasePlace {
  readonly postgres: string;
  readonly run: string;
}

export function openFlights({ postgres, run }: DatabasePlace): FlightsApplication {
  return flightsOnPostgres(postgres, run);
}
