import protobuf from 'protobufjs';
import type { LogRecord } from '../log/record.js';
import { DELETED_REVISION } from '../store/stream-metadata.js';
import { int64Of } from './int64.js';

/** An event as a reader gets it. When a link was followed, `event` is its target, and missing if that cannot be read. */
export interface ResolvedRecord {
  readonly event?: LogRecord;
  readonly link?: LogRecord;
}

const TICKS_PER_MS = 10_000n;
const DELETED_REVISION_ON_WIRE = { ...int64Of(DELETED_REVISION), unsigned: true };
const LENGTH_DELIMITED = 2;
const tag = (field: number, wireType: number): number => (field << 3) | wireType;

/**
 * Encodes `ReadResp { event: ReadEvent }` straight from the log. By hand and not through the schema: this is what a read spends its time on,
 * and a stored event needs no object in between.
 */
export function encodeReadEvent(resolved: ResolvedRecord): Buffer {
  const writer = beginReadEvent(resolved);
  writer.uint32(tag(3, 0)).uint64((resolved.link ?? resolved.event)!.position);
  return writer.ldelim().finish() as Buffer;
}

/** The same for a persistent subscription, which also tells how often it has delivered the event before. */
export function encodeCompetingEvent(resolved: ResolvedRecord, retryCount: number, { ofAll }: { readonly ofAll: boolean }): Buffer {
  const writer = beginReadEvent(resolved);
  if (ofAll) writer.uint32(tag(3, 0)).uint64((resolved.link ?? resolved.event)!.position);
  else writer.uint32(tag(4, LENGTH_DELIMITED)).uint32(0);
  writer.uint32(tag(5, 0)).int32(retryCount);
  return writer.ldelim().finish() as Buffer;
}

function beginReadEvent({ event, link }: ResolvedRecord): protobuf.Writer {
  const writer = protobuf.Writer.create();
  writer.uint32(tag(1, LENGTH_DELIMITED)).fork();
  if (event) recordedEvent(writer.uint32(tag(1, LENGTH_DELIMITED)).fork(), event).ldelim();
  if (link) recordedEvent(writer.uint32(tag(2, LENGTH_DELIMITED)).fork(), link).ldelim();
  return writer;
}

function recordedEvent(writer: protobuf.Writer, record: LogRecord): protobuf.Writer {
  const revision = record.kind === 'tombstone' ? DELETED_REVISION_ON_WIRE : record.revision;
  writer.uint32(tag(1, LENGTH_DELIMITED)).fork().uint32(tag(2, LENGTH_DELIMITED)).string(record.id).ldelim();
  writer.uint32(tag(2, LENGTH_DELIMITED)).fork().uint32(tag(3, LENGTH_DELIMITED)).bytes(record.streamBytes).ldelim();
  writer.uint32(tag(3, 0)).uint64(revision);
  writer.uint32(tag(4, 0)).uint64(record.position);
  writer.uint32(tag(5, 0)).uint64(record.position);
  mapEntry(writer, 'type', record.type);
  mapEntry(writer, 'content-type', record.json ? 'application/json' : 'application/octet-stream');
  mapEntry(writer, 'created', `${BigInt(record.createdAt) * TICKS_PER_MS}`);
  if (record.metadata.length > 0) writer.uint32(tag(7, LENGTH_DELIMITED)).bytes(record.metadata);
  if (record.data.length > 0) writer.uint32(tag(8, LENGTH_DELIMITED)).bytes(record.data);
  return writer;
}

function mapEntry(writer: protobuf.Writer, key: string, value: string): void {
  writer.uint32(tag(6, LENGTH_DELIMITED)).fork();
  writer.uint32(tag(1, LENGTH_DELIMITED)).string(key).uint32(tag(2, LENGTH_DELIMITED)).string(value).ldelim();
}
