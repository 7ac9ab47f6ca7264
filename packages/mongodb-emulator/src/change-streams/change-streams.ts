import type { ChangeSource, ChangeStreams } from '../cursors/change-streams-port.js';
import { ChangeStreamCursor } from './change-stream-cursor.js';
import { EventPipeline } from './event-pipeline.js';
import { readWatch } from './watch.js';

/** The change streams of a server: each of them reads its oplog. */
export function changeStreamsOf(source: ChangeSource): ChangeStreams {
  const beginning = source.oplog.oldest;
  return {
    open(options) {
      const pipeline = new EventPipeline(options.pipeline, source);
      const cursor = new ChangeStreamCursor({ watch: readWatch(options), pipeline, source, beginning });
      cursor.refuseIfForgotten();
      return cursor;
    },
  };
}
