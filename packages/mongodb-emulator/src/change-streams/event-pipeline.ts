import type { Document } from 'bson';
import { runPipeline } from '../aggregation/pipeline.js';
import type { ChangeSource } from '../cursors/change-streams-port.js';
import { CODES, ServerError } from '../server-error.js';
import type { ResumeToken } from './resume-token.js';

/** The stages that take one event and give at most one. */
const ALLOWED: ReadonlySet<string> = new Set([
  '$addFields',
  '$match',
  '$project',
  '$redact',
  '$replaceRoot',
  '$replaceWith',
  '$set',
  '$unset',
]);

/** The stages behind `$changeStream`. */
export class EventPipeline {
  /** @throws ServerError 20 for a stage that may not stand there */
  constructor(
    private readonly stages: readonly Document[],
    private readonly source: ChangeSource,
  ) {
    const refused = stages.map((stage) => Object.keys(stage)[0] ?? '').find((name) => !ALLOWED.has(name));
    if (refused !== undefined) throw new ServerError(CODES.IllegalOperation, `${refused} is not permitted in a $changeStream pipeline`);
  }

  /**
   * What becomes of these events.
   *
   * @throws ServerError 280 if one of them comes out without its token: nobody could go on behind it
   */
  run(events: readonly Document[]): readonly Document[] {
    if (this.stages.length === 0 || events.length === 0) return events;
    const variables = { now: new Date(), clusterTime: this.source.clusterTime.current };
    const results = [...runPipeline(this.stages, events, { collection: () => [] }, variables)];
    const tokens = new Set(events.map(({ _id }) => (_id as ResumeToken)._data));
    for (const { _id } of results) {
      if (!isTokenAmong(_id, tokens)) throw tokenModified(_id);
    }
    return results;
  }
}

function isTokenAmong(id: unknown, tokens: ReadonlySet<string>): boolean {
  return typeof id === 'object' && id !== null && Object.keys(id).length === 1 && tokens.has((id as ResumeToken)._data);
}

function tokenModified(found: unknown): ServerError {
  return new ServerError(
    CODES.ChangeStreamFatalError,
    'Encountered an event whose _id field, which contains the resume token, was modified by the pipeline. Modifying the _id field of an ' +
      'event makes it impossible to resume the stream from that point. Only transformations that retain the unmodified _id field are ' +
      `allowed. Found: ${found === undefined ? 'no _id' : JSON.stringify(found)}`,
    {},
    ['NonResumableChangeStreamError'],
  );
}
