import { ConcurrencyError, DatabaseUnavailableError, LeaseLostError, SchemaMismatchError, TransactionConflictError } from '@waybill/core';

/** The constraint that a row is in its stream's lane. */
export const LANE_OF_STREAM = 'outbox_lane_of_stream';
/** SQLSTATE that the append function raises when a stream is not where it was expected. */
export const STREAM_MOVED = 'WB001';
/** SQLSTATE that a claim under a lane raises when the lane has another epoch. */
export const LANE_LOST = 'WB002';

const CHECK_VIOLATION = '23514';
const CONFLICTS = new Set(['40001', '40P01', '55P03']); // serialization failure, deadlock, lock not available
const NOT_MIGRATED = new Set(['3F000', '42P01', '42883', '42703']); // schema, table, function, column does not exist
const UNREACHABLE = /^(08|57P0|53300)/; // connection exceptions, shutdowns, too many connections
const SOCKET_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);
// node-postgres gives these no code.
const CONNECTION_TEXTS =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|Query read timeout/i;

interface Coded {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

/** Errors of PostgreSQL and its driver in Waybill's words; everything else is passed through unchanged. */
export function translate(error: unknown): unknown {
  const code = sqlState(error);
  const text = error instanceof Error ? error.message : String(error);
  if (code === STREAM_MOVED) return streamMoved(error);
  if (code === LANE_LOST) return laneLost(error);
  if (code !== undefined && CONFLICTS.has(code)) return new TransactionConflictError(text, { cause: error });
  if (code === CHECK_VIOLATION && text.includes(LANE_OF_STREAM))
    return new TransactionConflictError('the number of lanes was changed meanwhile', { cause: error });
  if (isConnectionError(error)) return new DatabaseUnavailableError(text, { cause: error });
  return error;
}

/** Like {@link translate}, for statements on Waybill's own tables: if those are missing, the database is not migrated. */
export function translateOwn(error: unknown): unknown {
  const code = sqlState(error);
  if (code === undefined || !NOT_MIGRATED.has(code)) return translate(error);
  return new SchemaMismatchError(
    `Waybill's tables are missing or older than this version (${String((error as Coded).message)}). Run database.migrate() once before anything else.`,
    { cause: error },
  );
}

/** True when the error tells that the connection is gone, and not what became of the last statement. */
export function isConnectionError(error: unknown): boolean {
  const code = sqlState(error);
  if (code !== undefined) return UNREACHABLE.test(code) || SOCKET_ERRORS.has(code);
  return (
    error instanceof Error &&
    (CONNECTION_TEXTS.test(error.message) || (error instanceof AggregateError && error.errors.some(isConnectionError)))
  );
}

/** True when the server gave a statement up in favour of another one, and nobody has waited: to repeat it at once is right. */
export const lostAgainstAnother = (error: unknown): boolean => ['40001', '40P01'].includes(sqlState(error) ?? '');

/** The error code, also where a query builder wrapped the driver's error. */
function sqlState(error: unknown): string | undefined {
  for (
    let inner: unknown = error, depth = 0;
    typeof inner === 'object' && inner !== null && depth < 4;
    inner = (inner as Coded).cause, depth++
  ) {
    const { code } = inner as Coded;
    if (typeof code === 'string' && (/^[0-9A-Z]{5}$/.test(code) || SOCKET_ERRORS.has(code))) return code;
  }
  return undefined;
}

function laneLost(error: unknown): LeaseLostError {
  const { route, lane, epoch } = detailOf(error, LANE_LOST) as { route: string; lane: number; epoch: string };
  return new LeaseLostError(route, lane, BigInt(epoch));
}

function streamMoved(error: unknown): ConcurrencyError {
  const { stream, expected, actual } = detailOf(error, STREAM_MOVED) as {
    stream: string;
    expected: string | null;
    actual: string | null;
  };
  return new ConcurrencyError(stream, expected === null ? undefined : BigInt(expected), actual === null ? undefined : BigInt(actual), {
    cause: error,
  });
}

/** What our own function says with its SQLSTATE. */
function detailOf(error: unknown, code: string): unknown {
  let inner = error as Coded;
  while (inner.code !== code) inner = inner.cause as Coded;
  return JSON.parse(String(inner.detail));
}
