import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import type { AppendDesk } from '../append/append-desk.js';
import type { Append, AppendOutcome, ProposedEvent } from '../append/append-outcome.js';
import type { FaultPlan } from '../faults/fault-plan.js';
import { expectedRevisionOf, proposedEventOf, streamNameOf } from '../wire/append-messages.js';
import { encodeBatchAnswer } from '../wire/batch-answers.js';
import { numberOf } from '../wire/int64.js';
import type { BatchAppendRequest, StreamIdentifier, Uuid } from '../wire/messages.js';
import { asServerError, notLeader } from '../wire/statuses.js';

/** One append while its messages arrive. */
interface Arriving extends Omit<Append, 'events'> {
  readonly correlationId: Uuid;
  readonly streamIdentifier: StreamIdentifier;
  readonly events: ProposedEvent[];
  readonly deadlineAt: number;
}

const MOST_UNSENT_ANSWERS = 512;

/** The `BatchAppend` call: many appends on one stream of messages, taken strictly in the order in which they are complete. */
export function batchAppendService(desk: AppendDesk, faults: FaultPlan): handleBidiStreamingCall<BatchAppendRequest, Buffer> {
  return (call) => {
    const batch = new BatchAppendCall(call, desk);
    call.on('data', (request: BatchAppendRequest) => faults.whenHeard(() => batch.take(request)));
    call.on('error', () => {}); // the client went away; what it sent is stored or not, as on the real server
  };
}

class BatchAppendCall {
  readonly #arriving = new Map<string, Arriving>();

  constructor(
    private readonly call: ServerDuplexStream<BatchAppendRequest, Buffer>,
    private readonly desk: AppendDesk,
  ) {}

  take(request: BatchAppendRequest): void {
    const key = request.correlationId.text ?? '';
    const append = request.options ? this.#begin(request) : this.#arriving.get(key);
    if (!append) return; // refused already: the rest of it is not looked at

    for (const message of request.proposedMessages) {
      const event = proposedEventOf(message);
      if (!event) return this.#refuse(key, append);
      append.events.push(event);
    }
    if (!request.isFinal) {
      this.#arriving.set(key, append);
      return;
    }
    this.#arriving.delete(key);
    this.desk.submit(append, append.deadlineAt - Date.now(), (outcome) => this.#answer(outcome, append));
  }

  #begin({ correlationId, options }: BatchAppendRequest): Arriving | undefined {
    const streamIdentifier = options!.streamIdentifier ?? { streamName: Buffer.alloc(0) };
    const stream = streamNameOf(streamIdentifier);
    if (stream === undefined) {
      this.#answer({ kind: 'bad-request' }, { correlationId, streamIdentifier });
      return undefined;
    }
    const deadlineAt = deadlineOf(options!);
    return { correlationId, streamIdentifier, stream, expected: expectedRevisionOf(options!), events: [], deadlineAt };
  }

  /** The real server refuses a bad event at once, forgets that it did, and lets the same append time out as well: two answers. */
  #refuse(key: string, append: Arriving): void {
    this.#arriving.delete(key);
    this.#answer({ kind: 'bad-request' }, append);
    const timeoutMs = Math.min(append.deadlineAt - Date.now(), this.desk.commitTimeoutMs);
    setTimeout(() => this.#answer({ kind: 'timed-out' }, append), timeoutMs).unref();
  }

  #answer(outcome: AppendOutcome, request: Pick<Arriving, 'correlationId' | 'streamIdentifier'>): void {
    if (this.call.cancelled || this.call.writableEnded) return;
    if (outcome.kind === 'not-leader') {
      this.call.emit('error', asServerError(notLeader(outcome.leader)));
      return;
    }
    this.call.write(encodeBatchAnswer(outcome, request));
    if (this.call.writableLength > MOST_UNSENT_ANSWERS && !this.call.isPaused()) {
      this.call.pause();
      this.call.once('drain', () => this.call.resume());
    }
  }
}

/** The client's clock decides: a deadline is a point in time, not a span. */
function deadlineOf({ deadlineAt, deadlineIn }: NonNullable<BatchAppendRequest['options']>): number {
  const milliseconds = ({ seconds, nanos }: NonNullable<typeof deadlineAt>): number => signed(numberOf(seconds)) * 1_000 + nanos / 1e6;
  if (deadlineAt) return milliseconds(deadlineAt);
  return deadlineIn ? Date.now() + milliseconds(deadlineIn) : Infinity;
}

function signed(seconds: number): number {
  return seconds >= 2 ** 63 ? seconds - 2 ** 64 : seconds;
}
