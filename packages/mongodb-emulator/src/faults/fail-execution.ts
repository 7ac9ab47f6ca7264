import type { Document } from 'bson';
import type { RunningCommand } from '../server/running-command.js';
import type { Invocation } from '../engine.js';
import { ServerError } from '../server-error.js';
import type { FailPoint } from './fail-point.js';
import { HungUp, speaksOf } from './fail-command.js';

const RESUMABLE: ReadonlySet<number> = new Set([6, 7, 63, 89, 91, 133, 150, 189, 234, 262, 9001, 10107, 11600, 11602, 13388, 13435, 13436]);

/**
 * `onPrimaryTransactionalWrite`: a retryable write fails right before it is applied (with `failBeforeCommitExceptionCode`), or the
 * connection ends right after it was.
 *
 * @throws ServerError
 * @throws HungUp
 */
export function failRetryableWrite(point: FailPoint, { body }: RunningCommand, when: 'before' | 'after'): void {
  if (!point.isOn || body.txnNumber === undefined || body.autocommit !== undefined) return;
  const data = point.enter(({ failBeforeCommitExceptionCode: code }) => (when === 'before') === (code !== undefined));
  if (!data) return;
  if (when === 'before') {
    const message = 'Failing write due to failpoint. The write must not be reflected.';
    throw new ServerError(Number(data.failBeforeCommitExceptionCode), message);
  }
  if (data.closeConnection !== false) throw new HungUp();
}

/** A `getMore` that is going to fail need not wait for events before. */
export function startGetMore(point: FailPoint, command: RunningCommand): Invocation {
  if (command.name !== 'getMore' || !point.isOn) return command;
  const { name, db, connectionId, signal } = command;
  return { name, db, connectionId, signal, body: { ...command.body, maxTimeMS: 1 } };
}

/**
 * `failGetMoreAfterCursorCheckout`: the cursor was there. A change stream can go on with its last token if the error's kind allows it.
 *
 * @throws ServerError
 */
export function failGetMore(point: FailPoint, { name }: RunningCommand, reply: Document): void {
  if (name !== 'getMore' || !point.isOn) return;
  const data = point.enter(() => true);
  if (!data) return;
  if (data.closeConnection === true) throw new HungUp();
  const code = Number(data.errorCode);
  const isChangeStream = (reply.cursor as Document | undefined)?.postBatchResumeToken !== undefined;
  const labels = isChangeStream && RESUMABLE.has(code) ? { labels: ['ResumableChangeStreamError'] } : {};
  throw new ServerError(code, "Hit the 'failGetMoreAfterCursorCheckout' failpoint", {}, labels.labels);
}

/** `loseReply`: the command was executed, and nobody will be told. */
export function losesReply(point: FailPoint, command: RunningCommand, appName: string | undefined): boolean {
  return point.isOn && point.enter((data) => speaksOf(data, command, appName)) !== undefined;
}
