/** What the labels of an error depend on besides its code. */
export interface LabelContext {
  /** The command carries `autocommit: false`. */
  readonly inTransaction: boolean;
  /** It is commitTransaction or abortTransaction. */
  readonly endsTransaction: boolean;
  /** It is a write with a transaction number outside transactions. */
  readonly retryableWrite: boolean;
  /** The error is accompanied by, or is itself, a write concern error. */
  readonly writeConcernError?: boolean;
}

const RETRIABLE: ReadonlySet<number> = new Set([6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]);
const SNAPSHOT: ReadonlySet<number> = new Set([239, 246]);
const CONFLICT: ReadonlySet<number> = new Set([112, 24, 267]);

/** The labels that the server puts on an error. Those that only drivers give are not among them. */
export function labelsOf(code: number, context: LabelContext): readonly string[] {
  if (isTransient(code, context)) return ['TransientTransactionError'];
  if ((context.endsTransaction || context.retryableWrite) && RETRIABLE.has(code)) return ['RetryableWriteError'];
  return [];
}

function isTransient(code: number, { inTransaction, endsTransaction, writeConcernError = false }: LabelContext): boolean {
  if (!inTransaction) return false;
  if (SNAPSHOT.has(code)) return true;
  if (code === 251) return !writeConcernError || !endsTransaction;
  if (endsTransaction) return code === 112;
  return CONFLICT.has(code) || RETRIABLE.has(code);
}
