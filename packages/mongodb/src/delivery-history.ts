import type { AttemptQuery, StoredAttempt } from '@waybill/core';
import type { Filter, Timestamp } from 'mongodb';
import type { MongoDBCollections } from './mongodb-collections.js';
import type { HistoryDocument } from './stored-documents.js';

/** What the history knows of one message and one route. */
export interface Tries {
  readonly failCount: number;
  readonly failedAt: Date | undefined;
  readonly processedAt: Date | undefined;
}

export interface DoneMessage {
  readonly route: string;
  readonly lane: number;
  readonly messageId: string;
  /** When the message was committed. */
  readonly after: Timestamp;
}

const DEFAULT_MOST = 100;
const FAILED: readonly string[] = ['rejected', 'unavailable', 'crashed'];
// The server's clock, of which a line's time is, may be behind the cluster's, of which a message's is.
const CLOCKS_DIFFER_MS = 60_000;
const MOST_BATCHES_LOOKED_AT = 2_000;

/**
 * Tries, as lanes have recorded them. What was not delivered is found by its message's id. A batch that was delivered is not indexed by its
 * messages, which would cost each of them an entry: it is among those that its lane has recorded since the message was committed.
 */
export class DeliveryHistory {
  constructor(private readonly collections: MongoDBCollections) {}

  async attempts({ messageId, route, most = DEFAULT_MOST }: AttemptQuery): Promise<readonly StoredAttempt[]> {
    const { history, outbox } = this.collections;
    const ofRoute = route !== undefined && { '_id.route': route };
    const rows = await outbox.find({ id: messageId }).project<{ lane: number; at: Timestamp }>({ lane: 1, at: 1 }).toArray();
    // Without its row nothing says where a message was: then all that was delivered is looked through.
    const batches: Filter<HistoryDocument> =
      rows.length > 0 ? { $or: rows.map(({ lane, at }) => deliveredSince([0, lane], at)) } : DELIVERED;
    const [others, delivered] = await Promise.all([
      history.find({ messageIds: messageId, notDelivered: true, ...ofRoute }).toArray(),
      history.find({ ...batches, messageIds: messageId, ...ofRoute }).toArray(),
    ]);
    return [...others, ...delivered].sort(newestFirst).slice(0, most).map(storedAttempt);
  }

  /** @param done - messages that were passed, to be told when */
  async tries(messageIds: readonly string[], done: readonly DoneMessage[]): Promise<(route: string, messageId: string) => Tries> {
    const others = await this.collections.history.find({ messageIds: { $in: [...messageIds] }, notDelivered: true }).toArray();
    const delivered = await Promise.all(lanesOf(done).map((lane) => this.#deliveredIn(lane)));
    const lines = [...others, ...delivered.flat()].sort(newestFirst);
    return (route, messageId) => {
      const own = lines.filter((line) => line._id.route === route && line.messageIds.includes(messageId));
      const failed = own.filter(({ _id }) => FAILED.includes(_id.outcome));
      return {
        failCount: failed.length,
        failedAt: failed[0]?.at,
        processedAt: own.find(({ _id }) => !FAILED.includes(_id.outcome))?.at,
      };
    };
  }

  /** The first batches that a lane has delivered since these messages were committed, as far as they have one of them. */
  #deliveredIn({ route, lane, after, messageIds }: LaneMessages): Promise<readonly HistoryDocument[]> {
    return this.collections.history
      .aggregate<HistoryDocument>([
        { $match: { ...deliveredSince([lane], after), '_id.route': route } },
        { $sort: { at: 1 } },
        { $limit: MOST_BATCHES_LOOKED_AT },
        { $match: { messageIds: { $in: messageIds } } },
      ])
      .toArray();
  }
}

interface LaneMessages {
  readonly route: string;
  readonly lane: number;
  readonly after: Timestamp;
  readonly messageIds: readonly string[];
}

function lanesOf(messages: readonly DoneMessage[]): readonly LaneMessages[] {
  const lanes = new Map<string, LaneMessages>();
  for (const { route, lane, messageId, after } of messages) {
    const key = JSON.stringify([route, lane]);
    const known = lanes.get(key);
    const first = known?.after.lessThan(after) ? known.after : after;
    lanes.set(key, { route, lane, after: first, messageIds: [...(known?.messageIds ?? []), messageId] });
  }
  return [...lanes.values()];
}

const DELIVERED = { '_id.outcome': 'delivered' } as const;

function deliveredSince(lanes: readonly number[], at: Timestamp): Filter<HistoryDocument> {
  const since = new Date(at.getHighBitsUnsigned() * 1_000 - CLOCKS_DIFFER_MS);
  return { ...DELIVERED, '_id.lane': { $in: [...new Set(lanes)] }, at: { $gte: since } };
}

const newestFirst = (one: HistoryDocument, other: HistoryDocument): number => other.at.getTime() - one.at.getTime() || other.nth - one.nth;

function storedAttempt({ _id, instance, durationMs, detail, messageIds }: HistoryDocument): StoredAttempt {
  const { route, lane, outcome, startedAt } = _id;
  return { route, lane, instance, outcome, startedAt, durationMs, detail: detail ?? undefined, batchSize: messageIds.length };
}
