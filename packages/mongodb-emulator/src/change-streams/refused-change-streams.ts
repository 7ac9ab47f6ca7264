import { CODES, ServerError } from '../server-error.js';
import type { ChangeStreams } from '../cursors/change-streams-port.js';

/** What a user without the right to watch meets. */
export const REFUSED_CHANGE_STREAMS: ChangeStreams = {
  open({ db, collection }) {
    const target = JSON.stringify(collection ?? 1);
    throw new ServerError(
      CODES.Unauthorized,
      `not authorized on ${db} to execute command { aggregate: ${target}, pipeline: [ { $changeStream: {} } ] }`,
    );
  },
};
