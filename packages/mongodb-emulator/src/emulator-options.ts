import type { Isolation } from './store/isolation.js';

export interface EmulatorOptions {
  /** Port to listen on; 0, the default, takes any free one and keeps it over a restart. */
  readonly port?: number;
  /** Address to listen on. Default `127.0.0.1`; there is no reason to let others in. */
  readonly host?: string;
  /** Name of the replica set; `false` for a stand-alone server, which has neither transactions nor change streams. Default `rs0`. */
  readonly replicaSet?: string | false;
  /** Which server to be like: 25, the default, is 8.0; below 25 there is no `bulkWrite` command. */
  readonly maxWireVersion?: number;
  /** After how long an open transaction is aborted. Default 60,000. */
  readonly transactionLifetimeMs?: number;
  /** How often documents are looked for that a TTL index expires, in milliseconds. Default 2,000; a real server takes 60,000. */
  readonly ttlIntervalMs?: number;
  /** How many commits change streams can go back. Default 100,000. */
  readonly oplogCapacity?: number;
  /** Whether change streams may be opened, or are refused as to a user without that right (13). Default `allowed`. */
  readonly changeStreams?: 'allowed' | 'not-authorized';
  /** The rules of isolation, to break one of them on purpose. */
  readonly isolation?: Isolation;
}

export const DEFAULTS = {
  port: 0,
  host: '127.0.0.1',
  replicaSet: 'rs0',
  maxWireVersion: 25,
  transactionLifetimeMs: 60_000,
  changeStreams: 'allowed',
} as const satisfies EmulatorOptions;

/** The options with the defaults filled in. */
export type EmulatorSettings = EmulatorOptions & Required<Pick<EmulatorOptions, keyof typeof DEFAULTS>>;
