import type { handleClientStreamingCall, sendUnaryData } from '@grpc/grpc-js';
import type { AppendDesk } from '../append/append-desk.js';
import type { AppendOutcome, ProposedEvent } from '../append/append-outcome.js';
import type { FaultPlan } from '../faults/fault-plan.js';
import { conflictOf, expectedRevisionOf, proposedEventOf, streamNameOf, successOf } from '../wire/append-messages.js';
import { appendResponse } from '../wire/messages.js';
import type { AppendOptions, AppendRequest } from '../wire/messages.js';
import {
  asServerError,
  commitTimedOut,
  exceptionThrown,
  maximumAppendSizeExceeded,
  missingRequiredMetadata,
  notLeader,
  streamDeleted,
  unavailable,
} from '../wire/statuses.js';
import type { Failure } from '../wire/statuses.js';

/**
 * The `Append` call: one append a call, options first, then its events one message each.
 *
 * Calls side by side are in no order on the real server, and a client that relies on one must notice here: every second call steps back
 * behind those that came with it.
 */
export function appendService(desk: AppendDesk, faults: FaultPlan): handleClientStreamingCall<AppendRequest, Buffer> {
  let calls = 0;
  const outOfOrder = (work: () => void): void => {
    calls += 1;
    if (calls % 2 === 0) setImmediate(() => faults.whenHeard(work));
    else faults.whenHeard(work);
  };

  return (call, callback) => {
    const reply = answerOnce(callback);
    const events: ProposedEvent[] = [];
    let options: AppendOptions | undefined;

    call.on('data', ({ options: first, proposedMessage }: AppendRequest) => {
      if (first) options = first;
      if (!proposedMessage) return;
      const { metadata } = proposedMessage;
      if (metadata['type'] === undefined || metadata['content-type'] === undefined) return reply(missingRequiredMetadata());
      const event = proposedEventOf(proposedMessage);
      if (event) events.push(event);
      else reply(exceptionThrown());
    });

    call.on('end', () => {
      if (reply.done) return;
      const stream = streamNameOf(options?.streamIdentifier);
      if (!options || stream === undefined) return reply(exceptionThrown());
      const append = { stream, expected: expectedRevisionOf(options), events };
      outOfOrder(() => desk.submit(append, desk.commitTimeoutMs, (outcome) => reply(answerOf(outcome, stream))));
    });
  };
}

function answerOf(outcome: AppendOutcome, stream: string): Buffer | Failure {
  switch (outcome.kind) {
    case 'accepted':
      return appendResponse.encode({ success: successOf(outcome) });
    case 'wrong-expected-revision':
      return appendResponse.encode({ wrongExpectedVersion: conflictOf(outcome) });
    case 'stream-deleted':
      return streamDeleted(stream);
    case 'too-large':
      return maximumAppendSizeExceeded(outcome.limit);
    case 'timed-out':
      return commitTimedOut();
    case 'bad-request':
      return exceptionThrown();
    case 'busy':
      return unavailable('Server Is Busy');
    case 'not-ready':
      return unavailable('Server Is Not Ready');
    case 'not-leader':
      return notLeader(outcome.leader);
  }
}

interface Reply {
  (answer: Buffer | Failure): void;
  done: boolean;
}

/** A bad message is answered at once, while the client still sends the rest. */
function answerOnce(callback: sendUnaryData<Buffer>): Reply {
  const reply: Reply = Object.assign(
    (answer: Buffer | Failure): void => {
      if (reply.done) return;
      reply.done = true;
      if (Buffer.isBuffer(answer)) callback(null, answer);
      else callback(asServerError(answer));
    },
    { done: false },
  );
  return reply;
}
