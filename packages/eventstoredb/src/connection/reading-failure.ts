import type { EventStoreDBClient } from '@eventstore/db-client';
import { WaybillError } from '@waybill/core';
import { EventStoreDBUnavailableError, StreamTombstonedError } from '../eventstoredb-errors.js';
import type { CurrentClient } from './current-client.js';
import { plainDetail } from './plain-detail.js';

export interface FailedReading {
  readonly current: CurrentClient;
  /** The client that was used; replaced, unless the failure says that its connection works. */
  readonly client: EventStoreDBClient;
  /** Begins the sentence: `reading stream "order-1"`. */
  readonly what: string;
  readonly cause: unknown;
}

/** Failures that came as an answer, over a connection that works. */
const ANSWERS = new Set([
  ...['access-denied', 'not-leader', 'stream-deleted', 'timeout'],
  ...['maximum-subscribers-reached', 'persistent-subscription-dropped'],
]);

/** What a reader is told of what the client threw. */
export function readingFailure({ current, client, what, cause }: FailedReading): WaybillError {
  if (cause instanceof WaybillError) return cause;
  const { type, streamName, message } = cause as { type?: string; streamName?: string; message: string };
  if (!ANSWERS.has(type ?? '')) current.replace(client);
  if (type === 'stream-deleted') return new StreamTombstonedError(streamName ?? '', { cause });
  return new EventStoreDBUnavailableError(`${what} ${detailOf(type, message)}`, { cause });
}

function detailOf(type: string | undefined, message: string): string {
  if (type === 'access-denied') return 'was denied; check the credentials';
  if (type === 'not-leader') return 'failed: the server does not lead its cluster';
  if (type === 'persistent-subscription-dropped') return 'ended: the group dropped its consumers, as it does when it is changed';
  return `failed: ${plainDetail(message)}`;
}
