import { jsonEvent } from '@eventstore/db-client';
import type { AppendExpectedRevision, AppendResult, EventData, EventStoreDBClient, WrongExpectedVersionError } from '@eventstore/db-client';

/** The two calls that append: `batch` is what the client uses by itself, credentials for one call force the other. */
export type AppendPath = 'batch' | 'append';
export const APPEND_PATHS: readonly AppendPath[] = ['batch', 'append'];

export interface AppendOn {
  readonly client: EventStoreDBClient;
  readonly path: AppendPath;
}

export function append(
  { client, path }: AppendOn,
  stream: string,
  events: EventData | EventData[],
  expectedRevision: AppendExpectedRevision = 'any',
): Promise<AppendResult> {
  const credentials = path === 'append' ? { credentials: { username: 'admin', password: 'changeit' } } : {};
  return client.appendToStream(stream, events, { expectedRevision, ...credentials });
}

export function anEvent(id: string = crypto.randomUUID(), data: object = { of: 'no importance' }): EventData {
  return jsonEvent({ id, type: 'Happened', data: { ...data } });
}

export const someEvents = (count: number): EventData[] => Array.from({ length: count }, () => anEvent());

export async function idsOf(client: EventStoreDBClient, stream: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { event } of client.readStream(stream)) ids.push(event!.id);
  return ids;
}

/** What was thrown; fails when nothing was. */
export async function failureOf(work: Promise<unknown>): Promise<WrongExpectedVersionError> {
  const [outcome] = await Promise.allSettled([work]);
  if (outcome.status === 'fulfilled') throw new Error(`Nothing was thrown; it resolved with ${JSON.stringify(outcome.value, asText)}.`);
  return outcome.reason as WrongExpectedVersionError;
}

function asText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
