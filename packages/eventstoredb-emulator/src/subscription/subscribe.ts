import { randomUUID } from 'node:crypto';
import type { FaultPlan } from '../faults/fault-plan.js';
import { LOG_START } from '../log/event-log.js';
import { eventFilterOf } from '../read/event-filter.js';
import type { EventStore } from '../store/event-store.js';
import { streamNameOf } from '../wire/append-messages.js';
import { numberOf } from '../wire/int64.js';
import type { FilterOptions, ReadOptions } from '../wire/messages.js';
import type { ReadCall } from '../wire/read-call.js';
import { asServerError, exceptionThrown, streamDeleted, unexpectedReadResult } from '../wire/statuses.js';
import type { Failure } from '../wire/statuses.js';
import { AllSource } from './all-source.js';
import { StreamSource } from './stream-source.js';
import { Subscription } from './subscription.js';
import type { LiveBuffer } from './subscription.js';
import type { SubscriptionSource } from './subscription-source.js';

export interface SubscriptionOptions {
  readonly call: ReadCall;
  readonly store: EventStore;
  readonly faults: FaultPlan;
  readonly liveBuffer: LiveBuffer;
}

const DEFAULT_SEARCH_WINDOW = 32;

/** Answers a read that asks to be kept up to date. Revisions and positions are exclusive: the subscriber has seen that event. */
export function subscribe(request: ReadOptions, options: SubscriptionOptions): void {
  const source = request.stream ? streamSource(request, options.store) : allSource(request, options.store);
  if ('code' in source) options.call.emit('error', asServerError(source));
  else new Subscription({ ...options, source, resolveLinks: request.resolveLinks }).start(randomUUID());
}

function streamSource({ stream: options }: ReadOptions, store: EventStore): SubscriptionSource | Failure {
  const name = streamNameOf(options!.streamIdentifier);
  if (name === undefined) return exceptionThrown();
  if (store.isTombstoned(name)) return streamDeleted(name);
  const stream = store.stream(name);
  const end = stream ? store.lastCommitted(stream) + 1 : 0;
  const next = options!.from === 'revision' ? numberOf(options!.revision) + 1 : options!.from === 'end' ? end : 0;
  return new StreamSource(store, name, next);
}

function allSource({ all, filter }: ReadOptions, store: EventStore): SubscriptionSource | Failure {
  const from = all?.from === 'position' ? behind(numberOf(all.position!.commitPosition), store) : undefined;
  if (all?.from === 'position' && from === undefined) return unexpectedReadResult('ReadAllResult');
  return new AllSource({
    store,
    from: from ?? (all?.from === 'end' ? store.committedEnd : LOG_START),
    filter: eventFilterOf(filter),
    checkpointEvery: filter ? windowOf(filter) * filter.checkpointIntervalMultiplier : Infinity,
  });
}

/** @returns where the next event may begin; `undefined` when `position` points into the middle of one */
function behind(position: number, store: EventStore): number | undefined {
  if (position === 0) return LOG_START;
  if (position >= store.committedEnd) return position + 1;
  const record = store.recordAt(position);
  return record && position + record.size;
}

function windowOf({ window, max }: FilterOptions): number {
  return window === 'max' ? max : DEFAULT_SEARCH_WINDOW;
}
