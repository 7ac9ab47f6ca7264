import type { ArrivedMessage, MessageKind } from '@waybill/core';
import { EXTENSION, NO_PREVIOUS } from '../../wire/attributes.js';
import { Refusal } from '../refusal.js';
import type { StrictEvent } from './strict-event.js';

const LARGEST_REVISION = 2n ** 63n - 1n;
const LARGEST_VERSION = 2n ** 31n - 1n;
const OURS = new Set<string>(Object.values(EXTENSION));

/**
 * The message that a CloudEvent carries. Of one that no Waybill sent: the stream is `partitionkey`, or else `subject`, or else `source`; the revision
 * is its `sequence` where that is a number, or else 0; it is an event of schema version 1 that begins a conversation of its own.
 */
export function arrivedMessageOf(event: StrictEvent, arrivedAt: Date): ArrivedMessage {
  const { id, source, type, subject, extensions, data = null } = event;
  const text = (name: string): string | undefined => extensions.get(name) || undefined;
  const causationId = text(EXTENSION.causationId);
  const traceparent = text(EXTENSION.traceparent);
  const others = [...extensions].filter(([name]) => !OURS.has(name));
  const previous = text(EXTENSION.previous);
  const epoch = text(EXTENSION.epoch);
  return {
    id,
    source,
    type,
    kind: kindOf(text(EXTENSION.kind)),
    stream: text(EXTENSION.stream) ?? subject ?? source,
    revision: revisionOf(text(EXTENSION.revision)),
    occurredAt: instantOf(event.time, arrivedAt),
    schemaVersion: Number(whole(EXTENSION.schemaVersion, text(EXTENSION.schemaVersion) ?? '1', 1n, LARGEST_VERSION)),
    codec: text(EXTENSION.codec) ?? 'json',
    json: data,
    metadata: {
      ...Object.fromEntries(others),
      correlationId: text(EXTENSION.correlationId) ?? id,
      ...(causationId !== undefined && { causationId }),
      ...(traceparent !== undefined && { traceparent }),
    },
    ...(text(EXTENSION.route) !== undefined && { route: text(EXTENSION.route) }),
    ...(previous !== undefined && {
      previous: previous === NO_PREVIOUS ? NO_PREVIOUS : whole(EXTENSION.previous, previous, 0n, LARGEST_REVISION),
    }),
    ...(epoch !== undefined && { epoch: whole(EXTENSION.epoch, epoch, 0n, LARGEST_REVISION) }),
  };
}

function kindOf(kind = 'event'): MessageKind {
  if (kind === 'event' || kind === 'command') return kind;
  throw new Refusal('malformed', `Its ${EXTENSION.kind} is neither "event" nor "command".`);
}

// The extension leaves it to the sender what a sequence looks like: letters are no mistake, and tell nothing here.
function revisionOf(sequence = '0'): bigint {
  return /^-?\d+$/.test(sequence) ? whole(EXTENSION.revision, sequence, 0n, LARGEST_REVISION) : 0n;
}

function whole(name: string, text: string, least: bigint, most: bigint): bigint {
  const value = /^-?\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value < least || value > most)
    throw new Refusal('malformed', `Its ${name} is no whole number between ${least} and ${most}.`);
  return value;
}

function instantOf(time: string | undefined, arrivedAt: Date): Date {
  if (time === undefined) return arrivedAt;
  const instant = new Date(time);
  // Not every store knows a year 0, or what is after 9999.
  if (instant >= EARLIEST && instant <= LATEST) return instant;
  throw new Refusal('malformed', 'Its time is no instant between the years 1 and 9999.');
}

const EARLIEST = new Date('0001-01-01T00:00:00Z');
const LATEST = new Date('9999-12-31T23:59:59.999Z');
