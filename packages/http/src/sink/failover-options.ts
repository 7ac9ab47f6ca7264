/** When the next target takes over, and when the one before comes back. Targets are used in the order they are given. */
export interface FailoverOptions {
  /** A target is left after so many failures in a row: time-outs, lost connections, answers that say it is unavailable. Default 3. */
  readonly failuresInARow?: number;
  /** A target is left when more than this share of its last 100 requests failed, 0 to 1. Default 0.5. */
  readonly errorRate?: number;
  /** A target is left when 5 % of its last 100 answers took longer than this, in milliseconds. Default: however long they take. */
  readonly p95Ms?: number;
  /** Requests to be seen before `errorRate` and `p95Ms` are looked at. Default 10. */
  readonly least?: number;
  /** `by-itself`: after `backAfterMs` one request probes the target, and if it is answered well, the target is used again. `by-hand`: only {@link HttpSink.resume} does it. Default `by-itself`. */
  readonly back?: 'by-itself' | 'by-hand';
  /** How long a target that was left gets nothing, in milliseconds. Default 60,000. */
  readonly backAfterMs?: number;
}
