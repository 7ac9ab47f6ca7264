import type { LogRecord } from '../log/record.js';
import type { FilterOptions } from '../wire/messages.js';

/** Which events of `$all` a reader wants. */
export type EventFilter = (record: LogRecord) => boolean;

/** @returns a filter by stream name or event type, by prefixes or by a regular expression; `undefined` when everything is wanted */
export function eventFilterOf(options: FilterOptions | null | undefined): EventFilter | undefined {
  const expression = options?.on === 'streamIdentifier' ? options.streamIdentifier : options?.eventType;
  if (!options || !expression) return undefined;

  const subject = options.on === 'streamIdentifier' ? (record: LogRecord) => record.stream : (record: LogRecord) => record.type;
  if (expression.prefix.length > 0) return (record) => expression.prefix.some((prefix) => subject(record).startsWith(prefix));
  const pattern = new RegExp(expression.regex);
  return (record) => pattern.test(subject(record));
}
