import type { WaybillError } from '../../errors.js';
import type { LaneFailure } from '../../outbox/lane-progress.js';
import type { OutboxRow } from '../../outbox/outbox-row.js';
import type { Verdict } from './failure-judge.js';
import { storedText } from '../../plain-text.js';

const UNKNOWN = 'OUTCOME_UNKNOWN';
/** The code of what is stored before a message is tried alone. */
export const SUSPECTED = 'SUSPECTED_CRASH';
const BESIDES = '\nIn doubt besides: ';
/** A person has said to send it, whatever came of the tries before. */
const REDRIVEN = 'REDRIVEN';

export const isSuspected = ({ code }: Pick<LaneFailure, 'code'>): boolean => code.startsWith(SUSPECTED);

/** Whether the message of a stored failure may have reached its target. */
const isDoubtful = (failure: LaneFailure): boolean => failure.code === UNKNOWN || isSuspected(failure);

type Doubted = Pick<LaneFailure, 'messageId' | 'stream' | 'revision'>;

/**
 * Messages that may have reached their target: the failure's own, and those that its text names. A lane stores one failure, and late commits
 * can come before a message that is in doubt: whatever is stored of those says so of this one, too.
 */
export function doubtedBy(failure: LaneFailure | undefined): readonly Doubted[] {
  if (!failure) return [];
  const { messageId, stream, revision, error } = failure;
  const own = isDoubtful(failure) ? [{ messageId, stream, revision }] : [];
  const begin = error.lastIndexOf(BESIDES);
  return begin < 0 ? own : [...own, ...listed(error.slice(begin + BESIDES.length))];
}

/** Nothing where a target has answered with a text that only looks like it. */
function listed(text: string): readonly Doubted[] {
  try {
    const others = JSON.parse(text) as readonly [string, string, string][];
    return others.map(([messageId, stream, revision]) => ({ messageId, stream, revision: BigInt(revision) }));
  } catch {
    return [];
  }
}

/** The failure, with what is in doubt besides: its own message, too, where its code does not say so. */
export function besides(failure: LaneFailure, doubted: readonly Doubted[]): LaneFailure {
  const others = doubted.filter(({ messageId }) => messageId !== failure.messageId || !isDoubtful(failure));
  if (others.length === 0) return failure;
  const places = others.map(({ messageId, stream, revision }) => [messageId, stream, String(revision)]);
  return { ...failure, error: `${failure.error}${BESIDES}${JSON.stringify(places)}` };
}

/** The failure, where this message is not in doubt any more: it was delivered. */
export function resolved(failure: LaneFailure, { id }: Pick<OutboxRow, 'id'>): LaneFailure {
  const begin = failure.error.lastIndexOf(BESIDES);
  if (begin < 0) return failure;
  const others = doubtedBy(failure).filter(({ messageId }) => messageId !== id);
  return besides({ ...failure, error: failure.error.slice(0, begin) }, others);
}

/**
 * What stays in doubt when a person has had the lane go on. Who resumes an unknown outcome says that it is to be sent; who resumes what was
 * refused for good says that the cause is mended, and nothing of what an earlier try may have done.
 */
export function leftInDoubt(failure: LaneFailure | undefined): readonly Doubted[] {
  return doubtedBy(failure).filter(({ messageId }) => messageId !== failure!.messageId || !isDoubtful(failure!));
}

/** What a lane that runs keeps of messages that are in doubt, and that it has not come to again. */
export function stillDoubted([first, ...others]: readonly Doubted[]): LaneFailure | undefined {
  if (!first) return undefined;
  return besides({ ...first, attempts: 0, nextTryAt: undefined, code: UNKNOWN, error: 'It may have reached its target.' }, others);
}

/** The last failure of a stream that a person has told to go on: there is no doubt any more, but as {@link leftInDoubt} says. */
export const saidToSend = (failure: LaneFailure): LaneFailure => ({
  ...failure,
  ...{ attempts: 0, nextTryAt: undefined },
  ...(isDoubtful(failure) && { code: REDRIVEN }),
});

export interface FailedTry {
  readonly row: OutboxRow;
  readonly error: WaybillError;
  readonly verdict: Verdict;
  readonly nextTryAt: Date | undefined;
  /** A try before this one may have reached the target, and nobody has found out since. */
  readonly isInDoubt: boolean;
}

/**
 * What is stored of a try that failed. That the sink is away, or that it refuses a message, says nothing of what an earlier try has done.
 *
 * @param others - what is in doubt besides
 */
export function failureOf({ row, error, verdict, nextTryAt, isInDoubt }: FailedTry, others: readonly Doubted[] = []): LaneFailure {
  const { id: messageId, stream, revision } = row;
  const { kind, attempts } = verdict;
  // Of one that was refused for good a person decides: to them the refusal matters, and the doubt stands behind it.
  const isLeftOpen = isInDoubt && !(kind === 'used-up' && error.code === 'MESSAGE_REJECTED');
  const before = isInDoubt && error.code !== UNKNOWN ? ' What came of an earlier try is not known yet.' : '';
  const code = isLeftOpen ? UNKNOWN : error.code;
  const failure = { messageId, stream, revision, attempts, code, error: storedText(error.message + before), nextTryAt };
  return besides(failure, isInDoubt ? [{ messageId, stream, revision }, ...others] : others);
}
