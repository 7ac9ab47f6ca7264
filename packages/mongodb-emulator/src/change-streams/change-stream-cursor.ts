import type { Document, Timestamp } from 'bson';
import type { ChangeBatch, ChangeCursor, ChangeSource } from '../cursors/change-streams-port.js';
import { CODES, ServerError } from '../server-error.js';
import type { OplogEntry } from '../oplog/oplog.js';
import { tickOf } from '../store/cluster-time.js';
import { bytesOf } from '../store/document-bytes.js';
import { changeEvent, invalidateEvent } from './change-event.js';
import type { Change } from './change-event.js';
import type { EventPipeline } from './event-pipeline.js';
import { after, eventPlace, invalidatePlace, isAfterEntry, isBeforeEntry, readFrom } from './position.js';
import type { Position } from './position.js';
import { tokenOf } from './resume-token.js';
import { concerns, invalidates } from './watch.js';
import type { Watch } from './watch.js';

export interface ChangeStreamCursorOptions {
  readonly watch: Watch;
  readonly pipeline: EventPipeline;
  readonly source: ChangeSource;
  /** When the oplog began: at that time, nothing had been forgotten. */
  readonly beginning: Timestamp;
}

/** An answer holds 16 MB; events are somewhat larger than their documents. */
const BATCH_BYTES = 12 * 1024 * 1024;
const BYTES_BESIDE_DOCUMENT = 500;

/** Reads the oplog from a position on and tells what concerns the watch, in the order of commits. */
export class ChangeStreamCursor implements ChangeCursor {
  #position: Position;
  #ended = false;

  constructor(private readonly options: ChangeStreamCursorOptions) {
    const { watch, source } = options;
    this.#position = watch.start ?? after(source.oplog.newest);
  }

  async next(batchSize: number, maxAwaitMs: number, signal: AbortSignal): Promise<ChangeBatch> {
    const deadline = Date.now() + maxAwaitMs;
    for (;;) {
      if (!this.#ended) this.refuseIfForgotten();
      const documents = this.#ended ? [] : this.options.pipeline.run(this.#read(batchSize));
      const left = deadline - Date.now();
      if (documents.length > 0 || this.#ended || left <= 0 || signal.aborted) {
        return { documents, postBatchResumeToken: tokenOf(this.#position), ended: this.#ended };
      }
      if (isAfterEntry(this.#position) || isBeforeEntry(this.#position)) await this.#nextEntry(left, signal);
    }
  }

  #nextEntry(ms: number, signal: AbortSignal): Promise<void> {
    return this.options.source.oplog.next(readFrom(this.#position), ms, signal);
  }

  close(): void {
    this.#ended = true;
  }

  /** @throws ServerError 286 if something that has not been read is not there any more */
  refuseIfForgotten(): void {
    const { source, beginning } = this.options;
    const [read, oldest] = [tickOf(this.#position.time), tickOf(source.oplog.oldest)];
    const needsEntry = !isAfterEntry(this.#position) && !(isBeforeEntry(this.#position) && oldest === tickOf(beginning));
    if (read > oldest || (read === oldest && !needsEntry)) return;
    this.#ended = true;
    throw new ServerError(
      CODES.ChangeStreamHistoryLost,
      'Resume of change stream was not possible, as the resume point may no longer be in the oplog.',
      {},
      ['NonResumableChangeStreamError'],
    );
  }

  /** The next events, as many as fit. Moves the position behind the last of them, or to the end of the oplog. */
  #read(limit: number): Document[] {
    const { watch, source } = this.options;
    const events: Document[] = [];
    let bytes = 0;
    for (const change of this.#changes()) {
      const { entry, operation, number } = change;
      const [place, placeBehind] = [eventPlace(number), invalidatePlace(number)];
      if (this.#isAhead(entry, place)) {
        if (events.length >= limit || bytes >= BATCH_BYTES) return events;
        events.push(changeEvent(change, watch, source));
        bytes += BYTES_BESIDE_DOCUMENT + (operation.after ? bytesOf(operation.after).length : 0);
        this.#position = { time: entry.clusterTime, place };
      }
      if (invalidates(watch, operation) && this.#isAhead(entry, placeBehind)) {
        if (events.length >= limit) return events;
        events.push(invalidateEvent(change));
        this.#position = { time: entry.clusterTime, place: placeBehind };
        this.#ended = true;
        return events;
      }
    }
    this.#moveToEnd();
    return events;
  }

  *#changes(): Generator<Change> {
    const { watch, source } = this.options;
    for (const entry of source.oplog.since(readFrom(this.#position))) {
      for (const [number, operation] of entry.operations.entries()) {
        if (concerns(watch, operation)) yield { entry, operation, number };
      }
    }
  }

  #isAhead({ clusterTime }: OplogEntry, place: number): boolean {
    return tickOf(clusterTime) > tickOf(this.#position.time) || place > this.#position.place;
  }

  /** Whoever has seen all there is needs nothing of it any more. A start in the future stays where it is. */
  #moveToEnd(): void {
    const { newest } = this.options.source.oplog;
    if (tickOf(newest) >= tickOf(this.#position.time)) this.#position = after(newest);
  }
}
