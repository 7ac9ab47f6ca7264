import { systemClock } from '@waybill/core';
import type { Clock } from '@waybill/core';

export interface EventStoreDBCredentials {
  readonly username: string;
  readonly password: string;
}

/** Everything has a default. Limits hold for the one connection, however many lanes and routes use it. */
export interface EventStoreDBOptions {
  /** Asked at every connect and read, so that passwords can change. Default: what the connection string says. Ignored without TLS. */
  readonly credentials?: () => Promise<EventStoreDBCredentials>;
  /** Longest wait for the answer to one append, and for a connection, in milliseconds. Default 10,000. */
  readonly appendTimeoutMs?: number;
  /** Longest wait for the next event of a read, in milliseconds. Default 10,000. */
  readonly readTimeoutMs?: number;
  /** The server's limit for one append, in bytes. Default 1,048,576, as before server version 25.1. Groups are kept to 80 % of it. */
  readonly maxAppendBytes?: number;
  /** Most events of one stream in one append. Default 100. */
  readonly maxEventsPerAppend?: number;
  /** Most appends under way at once. Default 64. */
  readonly maxAppendsInFlight?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** The options with their defaults filled in. */
export interface Settings extends Required<Omit<EventStoreDBOptions, 'credentials'>> {
  readonly connectionString: string;
  readonly credentials: (() => Promise<EventStoreDBCredentials>) | undefined;
}

export function settingsOf(connectionString: string, options: EventStoreDBOptions): Settings {
  const { credentials, appendTimeoutMs = 10_000, readTimeoutMs = 10_000, maxAppendBytes = 1_048_576 } = options;
  const { maxEventsPerAppend = 100, maxAppendsInFlight = 64, clock = systemClock } = options;
  return { connectionString, credentials, appendTimeoutMs, readTimeoutMs, maxAppendBytes, maxEventsPerAppend, maxAppendsInFlight, clock };
}
