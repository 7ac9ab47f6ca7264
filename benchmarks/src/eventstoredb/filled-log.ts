import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { startEventStoreDB } from '@waybill/local-servers';
import { PAYLOAD } from '../order.js';
import { rateOf } from '../side-by-side.js';

const AT_ONCE = 8;
const MOST_IN_A_ROW = 100;

/** An EventStoreDB with so many events in it. */
export interface FilledLog {
  readonly url: string;
  /** Of the streams, and of nothing else that is there. */
  readonly category: string;
  /** Where the events are when there is one stream only. */
  readonly stream: string;
  readonly streams: number;
  /** The events of each of them. */
  readonly each: number;
  /** A few words. */
  readonly server: string;
}

/** Works with a server in which at least so many events are, as many of each stream. */
export async function withFilledLog<Result>(
  { events, streams }: { readonly events: number; readonly streams: number },
  work: (log: FilledLog) => Promise<Result>,
): Promise<Result> {
  const server = await startEventStoreDB();
  const client = EventStoreDBClient.connectionString(server.url);
  try {
    const category = `bench${Date.now()}`;
    const inARow = Math.min(MOST_IN_A_ROW, Math.ceil(events / streams));
    const rows = Math.ceil(events / streams / inARow);
    const each = rows * inARow;
    for (let row = 0; row < rows; row++)
      await rateOf(streams, AT_ONCE, (nth) =>
        client.appendToStream(
          `${category}-${nth}`,
          Array.from({ length: inARow }, () => jsonEvent({ type: 'OrderPlaced', data: PAYLOAD })),
        ),
      );
    return await work({
      url: server.url,
      category,
      stream: `${category}-0`,
      streams,
      each,
      server: server.description.split(/, | at /)[0]!,
    });
  } finally {
    await client.dispose();
    await server.stop();
  }
}
