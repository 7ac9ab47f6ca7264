import { LOG_START } from '../log/event-log.js';
import type { LogRecord } from '../log/record.js';
import type { EventStore, StreamIndex } from '../store/event-store.js';
import { readableRange } from './retention.js';

export type Direction = 'forwards' | 'backwards';

/** A stream's readable events, from a revision on and including it. */
export function* readStream(store: EventStore, stream: StreamIndex, from: number, direction: Direction): Generator<LogRecord> {
  const { first, last, oldest } = readableRange(store, stream);
  const step = direction === 'forwards' ? 1 : -1;
  const start = direction === 'forwards' ? Math.max(from, first) : Math.min(from, last);
  for (let revision = start; revision >= first && revision <= last; revision += step) {
    const record = store.log.at(stream.positions[revision]!);
    if (record.createdAt >= oldest) yield record;
  }
}

/** Everything readable in the log: forwards from `position` and including it, backwards only what lies before it. */
export function* readAll(store: EventStore, position: number, direction: Direction): Generator<LogRecord> {
  if (direction === 'forwards') yield* forwards(store, position);
  else yield* backwards(store, position);
}

function* forwards(store: EventStore, position: number): Generator<LogRecord> {
  for (let at = Math.max(position, LOG_START); at < store.committedEnd;) {
    const record = store.log.at(at);
    if (record.kind !== 'filler') yield record;
    at += record.size;
  }
}

function* backwards(store: EventStore, position: number): Generator<LogRecord> {
  for (let at = Math.min(position, store.committedEnd); ;) {
    const record = store.log.before(at);
    if (!record) return;
    if (record.kind !== 'filler') yield record;
    at = record.position;
  }
}
