import { Long } from 'bson';
import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { OpenCursor } from '../cursors/cursors.js';
import type { Context } from './context.js';
import { ownerOf } from './first-batch.js';

type OpenChanges = Extract<OpenCursor, { readonly kind: 'changes' }>;

const DEFAULT_AWAIT_MS = 1_000;

export function getMore(context: Context): Document | Promise<Document> {
  const { arguments: given, surroundings, db } = context;
  const { cursors } = surroundings;
  const id = cursorId(given.fields.getMore);
  const open = cursors.get(id, ownerOf(context));
  const most = given.positiveCount('batchSize');
  const namespace = `${db}.${given.requiredString('collection')}`;
  const ofCursor = open.kind === 'result' ? open.cursor.namespace : open.namespace;
  if (namespace !== ofCursor) {
    throw new ServerError(
      CODES.Unauthorized,
      `Requested getMore on namespace '${namespace}', but cursor belongs to a different namespace ${ofCursor}`,
    );
  }
  if (open.kind === 'changes') return moreChanges(context, open, most);
  try {
    const { documents, isLast } = open.cursor.next(most);
    if (isLast) cursors.close(id);
    return { cursor: { nextBatch: documents, id: isLast ? Long.ZERO : id, ns: namespace } };
  } catch (error) {
    cursors.close(id);
    throw error;
  }
}

async function moreChanges(
  { arguments: given, invocation, surroundings }: Context,
  open: OpenChanges,
  most = Number.MAX_SAFE_INTEGER,
): Promise<Document> {
  const { cursors } = surroundings;
  const { id, cursor, killed, namespace } = open;
  const signal = AbortSignal.any([invocation.signal, killed.signal]);
  try {
    const batch = await cursor.next(most, given.count('maxTimeMS') ?? DEFAULT_AWAIT_MS, signal);
    if (killed.signal.aborted) throw new ServerError(237, 'operation was interrupted because the cursor was killed');
    const { documents, postBatchResumeToken, ended = false } = batch;
    if (ended) cursors.close(id);
    return { cursor: { nextBatch: documents, id: ended ? Long.ZERO : id, ns: namespace, postBatchResumeToken } };
  } catch (error) {
    cursors.close(id);
    throw error;
  }
}

export function cursorId(value: unknown): Long {
  if (value instanceof Long) return value;
  throw new ServerError(CODES.TypeMismatch, "BSON field 'getMore.getMore' is the wrong type, expected type 'long'");
}
