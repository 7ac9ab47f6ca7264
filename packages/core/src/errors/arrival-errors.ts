import { WaybillError } from './waybill-error.js';

/** The message before this one of its stream has not arrived yet. Nothing was stored: the sender has to send that one first. */
export class PredecessorMissingError extends WaybillError {
  readonly code = 'PREDECESSOR_MISSING';

  constructor(
    readonly messageId: string,
    readonly stream: string,
    readonly revision: bigint,
    /** What the sender says came before. */
    readonly previous: bigint | 'none',
    /** What arrived last; `undefined`: nothing of the stream did. */
    readonly last: bigint | undefined,
  ) {
    super(
      `Message ${messageId} (${stream}@${revision}) came too early: before it comes ${previous === 'none' ? 'nothing, as its sender says' : `revision ${previous}`}, ` +
        `and what arrived last is ${last === undefined ? 'nothing' : `revision ${last}`}. Send what is missing first; this one is taken then.`,
    );
  }
}

/** The message was sent under an older lease than one that arrived before: its sender was frozen, or cut off, and has been replaced. */
export class StaleSenderError extends WaybillError {
  readonly code = 'STALE_SENDER';

  constructor(
    readonly messageId: string,
    readonly stream: string,
    readonly revision: bigint,
    readonly epoch: bigint,
    readonly currentEpoch: bigint,
  ) {
    super(
      `Message ${messageId} (${stream}@${revision}) was sent under lease epoch ${epoch}, but its stream is at ${currentEpoch} by now: another process has taken it over. Nothing was stored.`,
    );
  }
}

/**
 * Another message arrived at this revision before: the sender's database was restored and has gone on from an earlier state, or somebody uses its
 * name. Nothing was stored, and nothing is taken for a duplicate that was never seen.
 */
export class RevisionTakenError extends WaybillError {
  readonly code = 'REVISION_TAKEN';

  constructor(
    readonly messageId: string,
    readonly stream: string,
    readonly revision: bigint,
    /** What arrived last. */
    readonly last: bigint,
  ) {
    super(
      `Message ${messageId} (${stream}@${revision}) is not known here, although its stream has arrived up to revision ${last}: another message came in its place, or this one was passed by. ` +
        "Was the sender's database restored? Compare the two streams. To take it all the same, let the receiver go on under another name, with start: 'now'.",
    );
  }
}
