import type { Db } from 'mongodb';
import type { BoardLine } from '../delay-board.js';
import type { CommittedStream, DatabaseEvidence, EventOnRecord } from '../evidence.js';
import type { Notice } from '../long-delay-notices.js';
import type { BoardDocument } from './mongodb-delay-board.js';

const STREAMS_AT_ONCE = 500;

/** What is read of a document in the outbox. */
interface OutboxDocument {
  readonly _id: { readonly stream: string; readonly revision: number };
  readonly id: string;
  readonly type: string;
  readonly payload: string;
  readonly occurredAt: Date;
}

/** What the collections say, by plain queries of the driver. */
export class MongoDBEvidence implements DatabaseEvidence {
  constructor(private readonly db: Db) {}

  async *committedStreams(): AsyncGenerator<readonly CommittedStream[]> {
    for (let after = ''; ;) {
      const names = await this.nextStreams(after);
      if (names.length === 0) return;
      after = names.at(-1)!;
      yield await this.eventsOf(names);
    }
  }

  async board(): Promise<readonly BoardLine[]> {
    const lines = await this.db.collection<BoardDocument>('delay_board').find().toArray();
    return lines.map(({ _id: airport, ...counts }) => ({ airport, ...counts }));
  }

  async noticesFor(messageIds: readonly string[]): Promise<readonly Notice[]> {
    if (messageIds.length === 0) return [];
    const notices = this.db.collection<Notice>('long_delay_notice').find({ messageId: { $in: messageIds } });
    return notices.project<Notice>({ _id: 0 }).toArray();
  }

  async noticeCount(): Promise<number> {
    return this.db.collection('long_delay_notice').countDocuments();
  }

  private async nextStreams(after: string): Promise<readonly string[]> {
    const heads = this.db.collection<{ readonly _id: string }>('waybill_streams');
    const next = await heads
      .find({ _id: { $gt: after }, revision: { $exists: true } }, { projection: { _id: 1 } })
      .sort({ _id: 1 })
      .limit(STREAMS_AT_ONCE)
      .toArray();
    return next.map(({ _id }) => _id);
  }

  private async eventsOf(names: readonly string[]): Promise<readonly CommittedStream[]> {
    const streams = new Map<string, EventOnRecord[]>(names.map((name) => [name, []]));
    const outbox = this.db.collection<OutboxDocument>('waybill_outbox');
    const [first, last] = [names[0]!, names.at(-1)!]; // nobody else's are between them
    const all = { $gte: { stream: first, revision: 0 }, $lte: { stream: last, revision: Number.MAX_SAFE_INTEGER } };
    const events = outbox.find({ _id: all }).sort({ _id: 1 });
    for await (const event of events) streams.get(event._id.stream)?.push(onRecord(event));
    return [...streams].map(([stream, events]) => ({ stream, events }));
  }
}

// The server keeps whole seconds of its own clock; the writer's clock, when its command began, tells more about the way.
function onRecord({ _id, id, type, payload, occurredAt: at }: OutboxDocument): EventOnRecord {
  return { id, type, revision: BigInt(_id.revision), data: JSON.parse(payload) as unknown, at };
}
