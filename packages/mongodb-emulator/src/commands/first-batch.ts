import { Long } from 'bson';
import type { Document } from 'bson';
import { Cursor } from '../cursors/cursor.js';
import type { CursorOwner } from '../cursors/cursors.js';
import { idOf } from '../transactions/sessions.js';
import type { Context } from './context.js';

export interface Result {
  readonly namespace: string;
  readonly documents: Iterable<Document>;
  /** How many documents there are at most. */
  readonly limit?: number | undefined;
  readonly batchSize?: number | undefined;
  /** No cursor stays open, whatever is left. */
  readonly isSingleBatch?: boolean;
}

const DEFAULT_FIRST_BATCH = 101;

/** The answer to a command with a result: its first documents, and a cursor for the others. */
export function firstBatch(context: Context, { batchSize = DEFAULT_FIRST_BATCH, isSingleBatch = false, ...result }: Result): Document {
  const { store, surroundings, standing } = context;
  const { atClusterTime, access, transaction } = standing;
  const keepsSnapshot = atClusterTime !== undefined && transaction === undefined;
  if (keepsSnapshot) store.history.open(access.at);
  const cursor = new Cursor({ ...result, release: keepsSnapshot ? () => store.history.close(access.at) : undefined });
  let isOpen = false;
  try {
    const { documents, isLast } = cursor.next(batchSize);
    isOpen = !isLast && !isSingleBatch;
    const id = isOpen ? surroundings.cursors.add(cursor, ownerOf(context)) : Long.ZERO;
    return { cursor: { firstBatch: documents, id, ns: result.namespace, ...(atClusterTime ? { atClusterTime } : {}) } };
  } finally {
    if (!isOpen) cursor.close();
  }
}

export function ownerOf({ invocation, standing }: Context): CursorOwner {
  const { lsid, txnNumber } = invocation.body;
  return {
    session: lsid === undefined ? undefined : idOf(lsid as Document),
    txnNumber: standing.transaction ? String(txnNumber) : undefined,
  };
}
