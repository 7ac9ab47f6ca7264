import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { labelsOf } from '../transactions/labels.js';
import type { LabelContext } from '../transactions/labels.js';
import type { Topology } from './topology.js';

/** Errors that say that this server is not, or no longer, a primary: they carry the topology version. */
const STATE_CHANGES: ReadonlySet<number> = new Set([
  CODES.NotWritablePrimary,
  CODES.NotPrimaryNoSecondaryOk,
  CODES.NotPrimaryOrSecondary,
  CODES.InterruptedDueToReplStateChange,
  CODES.PrimarySteppedDown,
  CODES.ShutdownInProgress,
  CODES.InterruptedAtShutdown,
]);

const INGRESS_REQUEST_RATE_LIMIT_EXCEEDED = 462;

/** An error as the body of an answer. Labels that it brings along replace those that its code would have. */
export function errorReply(error: unknown, body: Document, topology: Topology): Document {
  const reason = error instanceof ServerError ? error : unexpected(error);
  const labels = reason.labels ?? labelsFor(reason.code, body);
  return {
    ok: 0,
    ...(labels.length > 0 ? { errorLabels: labels } : {}),
    errmsg: reason.message,
    code: reason.code,
    codeName: reason.codeName,
    ...reason.extra,
    ...(STATE_CHANGES.has(reason.code) ? { topologyVersion: topology.version } : {}),
  };
}

/** The labels of an error that happened to this command, or of a write concern error that came with its answer. */
export function labelsFor(code: number, body: Document, options: Pick<LabelContext, 'writeConcernError'> = {}): readonly string[] {
  if (code === INGRESS_REQUEST_RATE_LIMIT_EXCEEDED) return ['SystemOverloadedError', 'RetryableError'];
  return labelsOf(code, {
    inTransaction: body.autocommit === false,
    endsTransaction: body.commitTransaction !== undefined || body.abortTransaction !== undefined,
    retryableWrite: body.txnNumber !== undefined && body.autocommit === undefined,
    ...options,
  });
}

/** A mistake of the emulator itself: told to the client, who is the one to look into it. */
function unexpected(error: unknown): ServerError {
  const detail = error instanceof Error ? error.stack : String(error);
  return new ServerError(CODES.InternalError, `The emulator itself failed: ${detail}`);
}
