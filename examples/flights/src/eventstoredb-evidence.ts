import { END, EventStoreDBClient, StreamNotFoundError } from '@eventstore/db-client';
import type { Position, ResolvedEvent } from '@eventstore/db-client';
import type { EventOnRecord, EventStoreEvidence } from './evidence.js';

const REACH_WITHIN_MS = 10_000;

/** EventStoreDB as its own client shows it. */
export class EventStoreDBEvidence implements EventStoreEvidence {
  private constructor(
    private readonly client: EventStoreDBClient,
    private readonly prefix: string,
    private readonly begin: Position | undefined,
  ) {}

  /**
   * @param prefix - of the names of this run's streams
   * @throws Error when nothing answers there
   */
  static async connect(url: string, prefix: string): Promise<EventStoreDBEvidence> {
    const client = EventStoreDBClient.connectionString(url);
    try {
      return new EventStoreDBEvidence(client, prefix, await within(REACH_WITHIN_MS, lastPosition(client)));
    } catch (cause) {
      throw new Error(
        `No EventStoreDB answers at ${new URL(url).host}: ${cause instanceof Error ? cause.message : String(cause)}\n` +
          'Is it running, and does the address say tls=false if it runs without certificates? Without --eventstoredb the demo brings an emulator.',
        { cause },
      );
    }
  }

  async read(stream: string): Promise<readonly EventOnRecord[]> {
    const events: EventOnRecord[] = [];
    try {
      for await (const { event } of this.client.readStream(stream)) if (event) events.push(onRecord(event));
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) throw error;
    }
    return events;
  }

  async count(): Promise<number> {
    let count = 0;
    const events = this.begin ? this.client.readAll({ fromPosition: this.begin }) : this.client.readAll();
    for await (const { event } of events) if (event?.streamId.startsWith(this.prefix)) count += 1;
    return count;
  }

  async close(): Promise<void> {
    await this.client.dispose();
  }
}

/** Where this run begins: a real server may hold millions of other events. */
async function lastPosition(client: EventStoreDBClient): Promise<Position | undefined> {
  for await (const { event } of client.readAll({ direction: 'backwards', fromPosition: END, maxCount: 1 })) return event?.position;
  return undefined;
}

function onRecord({ id, type, revision, data, created }: NonNullable<ResolvedEvent['event']>): EventOnRecord {
  return { id, type, revision, data, at: created };
}

async function within<Result>(ms: number, promise: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1_000} s`)), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
