import type { Document } from 'bson';

/** A command as it arrived. */
export interface Invocation {
  /** The first key of the body, e.g. `insert`. */
  readonly name: string;
  /** The whole command, with `$db`, `lsid`, `txnNumber`...; sequences merged in. Deserialized with `promoteValues: false`. */
  readonly body: Document;
  readonly db: string;
  readonly connectionId: number;
  /** Aborts when the connection is closed or the server killed: nobody waits for an answer any more. */
  readonly signal: AbortSignal;
}
