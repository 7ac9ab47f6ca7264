import type { handleServerStreamingCall } from '@grpc/grpc-js';
import type { FaultPlan } from '../faults/fault-plan.js';
import type { LogRecord } from '../log/record.js';
import { eventFilterOf } from '../read/event-filter.js';
import { resolve } from '../read/links.js';
import { readAll, readStream } from '../read/read-records.js';
import type { EventStore } from '../store/event-store.js';
import { subscribe } from '../subscription/subscribe.js';
import type { SubscriptionOptions } from '../subscription/subscribe.js';
import { streamNameOf } from '../wire/append-messages.js';
import { numberOf } from '../wire/int64.js';
import { readNotice } from '../wire/messages.js';
import type { ReadOptions, ReadRequest } from '../wire/messages.js';
import type { ReadCall } from '../wire/read-call.js';
import { encodeReadEvent } from '../wire/read-event.js';
import { asServerError, exceptionThrown, streamDeleted, unexpectedReadResult } from '../wire/statuses.js';
import type { Failure } from '../wire/statuses.js';

export interface ReadServiceOptions extends Omit<SubscriptionOptions, 'call'> {
  readonly store: EventStore;
  readonly faults: FaultPlan;
}

/** What a read answers before it ends well: events, or the news that there is no such stream. */
type Reading = { readonly records: Iterable<LogRecord> } | { readonly failure: Failure } | 'stream-not-found';

const FORWARDS = 0;
const NOT_FOUND_LINGERS_MS = 500;

/** The `Read` call: a page of a stream or of `$all`, or a subscription to either. */
export function readService(options: ReadServiceOptions): handleServerStreamingCall<ReadRequest, Buffer> {
  const { store, faults } = options;
  return (call) => {
    const request = call.request.options;
    if (!request) return fail(call, exceptionThrown());
    const work = async (): Promise<void> => {
      if (faults.refusal) return fail(call, faults.refusal);
      if (request.amount === 'subscription') subscribe(request, { ...options, call });
      else await answer(call, request, store);
    };
    faults.whenHeard(() => void work().catch(() => fail(call, exceptionThrown()))); // a filter that is no regular expression
  };
}

async function answer(call: ReadCall, request: ReadOptions, store: EventStore): Promise<void> {
  const reading = request.stream ? readingOfStream(request, store) : readingOfAll(request, store);
  if (reading === 'stream-not-found') {
    const streamIdentifier = request.stream!.streamIdentifier!;
    call.write(readNotice.encode({ streamNotFound: { streamIdentifier } }));
    // The client loses the news, and its reader hangs, when the end of the call comes along in the same read of its socket.
    setTimeout(() => call.end(), NOT_FOUND_LINGERS_MS).unref();
    return;
  }
  if ('failure' in reading) return fail(call, reading.failure);

  const filter = eventFilterOf(request.filter);
  let left = numberOf(request.count);
  for (const record of reading.records) {
    if (filter && !filter(record)) continue;
    if (call.cancelled) return;
    if (!call.write(encodeReadEvent(resolve(store, record, request.resolveLinks)))) await drained(call);
    left -= 1;
    if (left === 0) break;
  }
  call.end();
}

function readingOfStream({ stream: options, readDirection, count }: ReadOptions, store: EventStore): Reading {
  const name = streamNameOf(options!.streamIdentifier);
  if (name === undefined) return { failure: exceptionThrown() };
  if (store.isTombstoned(name)) return { failure: streamDeleted(name) };
  const forwards = readDirection === FORWARDS;
  if (numberOf(count) === 0 || (forwards && options!.from === 'end')) return { failure: unexpectedReadResult('ReadStreamResult') };

  const stream = store.stream(name);
  if (!stream || store.lastCommitted(stream) < 0 || store.metadataOf(name).softDeleted) return 'stream-not-found';
  const from = options!.from === 'revision' ? numberOf(options!.revision) : options!.from === 'end' ? Infinity : 0;
  return { records: readStream(store, stream, from, forwards ? 'forwards' : 'backwards') };
}

function readingOfAll({ all, readDirection, count }: ReadOptions, store: EventStore): Reading {
  const position = all?.from === 'position' ? numberOf(all.position!.commitPosition) : all?.from === 'end' ? Infinity : 0;
  const isBoundary = position === 0 || position >= store.committedEnd || store.recordAt(position) !== undefined;
  if (!isBoundary || numberOf(count) === 0) return { failure: unexpectedReadResult('ReadAllResult') };
  return { records: readAll(store, position, readDirection === FORWARDS ? 'forwards' : 'backwards') };
}

function fail(call: ReadCall, failure: Failure): void {
  call.emit('error', asServerError(failure));
}

function drained(call: ReadCall): Promise<void> {
  return new Promise((resume) => {
    const go = (): void => {
      call.off('drain', go).off('cancelled', go).off('close', go);
      resume();
    };
    call.on('drain', go).on('cancelled', go).on('close', go);
  });
}
