/** The server generations that differ in what this emulator does. */
export type ServerVersion = '23.10' | '24.10';

/** How to start an emulator. Everything has a default that suits tests. */
export interface EmulatorOptions {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;

  /** Port to listen on. Default 0: any free one, kept over a restart. */
  readonly port?: number;

  /**
   * Which server to behave like. Default `23.10`: the size limit counts data only, and live subscriptions are dropped when more events wait
   * than {@link liveBufferSize}. `24.10`: data, metadata and type count, and such a subscription falls back to catching up.
   */
  readonly version?: ServerVersion;

  /** Time from an append to its acknowledgement, in milliseconds. Default 0. Appends still go through side by side. */
  readonly commitDelayMs?: number;

  /** Time after which an append that could not be committed is given up, in milliseconds. Default 2,000, as on the real server. */
  readonly commitTimeoutMs?: number;

  /** Most bytes of one append, counted as {@link version} does. Default 1,048,576. */
  readonly maxAppendBytes?: number;

  /** Events that may wait for one live subscriber. Default 32, as on the real server; `Infinity` to be spared. */
  readonly liveBufferSize?: number;

  /**
   * A file to keep the events in, created if missing. Written before each acknowledgement and not flushed: a killed process loses nothing,
   * a power cut may. Default none: the events live as long as the emulator. One emulator at a time.
   */
  readonly file?: string;
}

export const DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  version: '23.10',
  commitDelayMs: 0,
  commitTimeoutMs: 2_000,
  maxAppendBytes: 1_048_576,
  liveBufferSize: 32,
} as const satisfies EmulatorOptions;

/** What the emulator tells clients that ask for its version. */
export const REPORTED_VERSIONS: Readonly<Record<ServerVersion, string>> = { '23.10': '23.10.8', '24.10': '24.10.0' };
