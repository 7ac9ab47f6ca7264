import type { Document } from 'bson';
import type { Oplog } from '../oplog/oplog.js';
import type { ClusterTime } from '../store/cluster-time.js';

/** What change streams are made from. */
export interface ChangeSource {
  readonly oplog: Oplog;
  readonly clusterTime: ClusterTime;
  /** The document as of now, for `fullDocument: 'updateLookup'`; undefined if it is gone. */
  currentDocument(db: string, collection: string, key: Document): Document | undefined;
}

export interface ChangeStreamOptions {
  /** The `$changeStream` stage's content. */
  readonly spec: Document;
  /** The stages behind it. */
  readonly pipeline: readonly Document[];
  readonly db: string;
  /** Undefined: the whole database; all of them with `allChangesForCluster`. */
  readonly collection?: string;
  readonly batchSize?: number;
}

export interface ChangeStreams {
  /** @throws ServerError for a spec or a pipeline that is refused */
  open(options: ChangeStreamOptions): ChangeCursor;
}

export interface ChangeCursor {
  /**
   * Waits up to `maxAwaitMs` for events; the first batch is asked for with 0.
   *
   * @throws ServerError e.g. 286; the cursor is closed then
   */
  next(batchSize: number, maxAwaitMs: number, signal: AbortSignal): Promise<ChangeBatch>;
  close(): void;
}

export interface ChangeBatch {
  readonly documents: readonly Document[];
  readonly postBatchResumeToken: Document;
  /** The stream has ended (it was invalidated): its cursor is closed after this batch. */
  readonly ended?: boolean;
}
