import type { LogRecord } from '../log/record.js';
import type { EventStore } from '../store/event-store.js';
import type { ResolvedRecord } from '../wire/read-event.js';
import { isReadable } from './retention.js';

/** Follows a link event (`$>`, data `revision@stream`) if asked to. The target is missing when it cannot be read any more. */
export function resolve(store: EventStore, record: LogRecord, resolveLinks: boolean): ResolvedRecord {
  if (!resolveLinks || record.kind !== 'event' || record.type !== '$>') return { event: record };

  const target = /^(\d+)@(.+)$/s.exec(record.data.toString());
  const stream = target ? store.stream(target[2]!) : undefined;
  if (!stream || stream.tombstone !== undefined) return { link: record };
  const revision = Number(target![1]);
  return isReadable(store, stream, revision) ? { event: store.log.at(stream.positions[revision]!), link: record } : { link: record };
}
