import type { Logger } from '../logger.js';
import type { Scope } from '../unit-of-work/scope.js';

/** All there is before a transaction: the first step of a two-step handler. */
export interface CallContext {
  /** The handler's durable name. */
  readonly handler: string;
  /** 1, or more when the message has failed here before, tries in place included. */
  readonly attempt: number;
  /**
   * True when an earlier try of this message may have called the outside without anybody knowing what came of it: ask there before you call
   * again. A lane knows. Where messages are handled as they arrive nobody remembers tries: it is what the sender, or the broker, says.
   */
  readonly mayBeRepeat: boolean;
  /** Aborts when the lane stops, or nobody waits for the answer any more, or after the handler's `timeoutMs`. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** A scope whose writes and outgoing messages commit with the claim; correlation and causation are carried on. */
export interface HandlerContext<out Tx> extends Scope<Tx>, CallContext {}

/** Second step of a two-step handler. */
export type Commit<Tx> = (context: HandlerContext<Tx>) => Promise<void>;

/** A second step that can be taken back: what the call has done is undone where it can never be committed. */
export interface CommitOrCompensate<Tx> {
  readonly commit: Commit<Tx>;
  /**
   * Undoes the call: runs once the commit has failed for good, outside any transaction, before the message counts as handled. It may run more than
   * once: pass the message's id as idempotency key.
   */
  readonly compensate: (context: CallContext) => Promise<void>;
}

/** What the first step of a two-step handler returns. */
export type SecondStep<Tx> = Commit<Tx> | CommitOrCompensate<Tx>;
