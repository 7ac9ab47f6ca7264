import { FAILED_OUTCOMES, laneOf, streamHash } from '@waybill/core';
import type { AttemptQuery, StoredAttempt } from '@waybill/core';
import type { Filter, Timestamp } from 'mongodb';
import { hasDelivered } from './history-lines.js';
import { literally } from './literally.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import type { HistoryDocument, OutboxDocument } from './stored-documents.js';

/** What the history knows of one message and one route. */
export interface Tries {
  readonly failCount: number;
  readonly failedAt: Date | undefined;
  readonly processedAt: Date | undefined;
}

export interface DoneMessage {
  readonly route: string;
  /** The route's lane that it is in now. */
  readonly lane: number;
  readonly row: Pick<OutboxDocument, '_id' | 'id' | 'at'>;
}

const DEFAULT_MOST = 100;
const FAILED: readonly string[] = FAILED_OUTCOMES;
const MOST_BATCHES_LOOKED_AT = 2_000;

/**
 * Tries, as lanes have recorded them. What was not delivered is found by its message's id. A batch that was delivered is not indexed by its
 * messages, which would cost each of them an entry: it is among those that its lane has recorded since the message was committed.
 */
export class DeliveryHistory {
  constructor(private readonly collections: MongoDBCollections) {}

  async attempts({ messageId, route, most = DEFAULT_MOST }: AttemptQuery): Promise<readonly StoredAttempt[]> {
    const { history, outbox } = this.collections;
    const routes = await this.#routes();
    const ofRoute = route !== undefined && { '_id.route': routes.recordedAs(route) };
    const rows = await outbox.find({ id: messageId }).project<Pick<OutboxDocument, '_id' | 'lane' | 'at'>>({ lane: 1, at: 1 }).toArray();
    const lanesOf = rows.length > 0 ? await this.#lanesOf() : () => [];
    // Without its row nothing says where a message was: then all that was delivered is looked through.
    const batches: Filter<HistoryDocument> =
      rows.length > 0 ? { $or: rows.map(({ _id, lane, at }) => deliveredSince([0, ...lanesOf(_id.stream, lane)], at)) } : DELIVERED;
    const [others, delivered] = await Promise.all([
      history.find({ messageIds: messageId, notDelivered: true, ...ofRoute }).toArray(),
      history.find({ ...batches, delivered: anyOf([messageId]), ...ofRoute }).toArray(),
    ]);
    const lines = [...others, ...delivered].sort(newestFirst).slice(0, most);
    return lines.map((line) => storedAttempt(line, routes.nameOf(line._id.route)));
  }

  /** @param done - messages that were passed, to be told when */
  async tries(messageIds: readonly string[], done: readonly DoneMessage[]): Promise<(route: string, messageId: string) => Tries> {
    const others = await this.collections.history.find({ messageIds: { $in: [...messageIds] }, notDelivered: true }).toArray();
    const lanesOf = done.length > 0 ? await this.#lanesOf() : () => [];
    const routes = await this.#routes();
    const recorded = done.map((message) => ({ ...message, route: routes.recordedAs(message.route) }));
    const delivered = await Promise.all(byLane(recorded, lanesOf).map((lane) => this.#deliveredIn(lane)));
    const lines = [...others, ...delivered.flat()].sort(newestFirst);
    return (route, messageId) => {
      const ofRoute = lines.filter((line) => line._id.route === routes.recordedAs(route));
      const own = ofRoute.filter((line) => line.messageIds?.includes(messageId) ?? hasDelivered(line, messageId));
      const failed = own.filter(({ _id }) => FAILED.includes(_id.outcome));
      return {
        failCount: failed.length,
        failedAt: failed[0]?.at,
        processedAt: own.find(({ _id }) => !FAILED.includes(_id.outcome))?.at,
      };
    };
  }

  async #routes(): Promise<RecordedRoutes> {
    const known = await this.collections.routes.find({ recordedAs: { $exists: true } }).toArray();
    const [names, recorded] = [new Map<string, string>(), new Map<string, string>()];
    for (const { _id: name, recordedAs = name } of known) {
      names.set(recordedAs, name);
      recorded.set(name, recordedAs);
    }
    return { nameOf: (route) => names.get(route) ?? route, recordedAs: (name) => recorded.get(name) ?? name };
  }

  /** The number of lanes may have been changed. */
  async #lanesOf(): Promise<LanesOf> {
    const { formerLanes = [] } = (await this.collections.identity.findOne({ _id: 'outbox' })) ?? {};
    return (stream, lane) => [...new Set([lane, ...formerLanes.map((count) => laneOf(streamHash(stream), count))])];
  }

  /** The first batches that a lane has delivered since these messages were committed, as far as they have one of them. */
  #deliveredIn({ route, lane, after, messageIds }: LaneMessages): Promise<readonly HistoryDocument[]> {
    return this.collections.history
      .aggregate<HistoryDocument>([
        { $match: { ...deliveredSince([lane], after), '_id.route': route } },
        { $sort: { clusterTime: 1 } },
        { $limit: MOST_BATCHES_LOOKED_AT },
        { $match: { delivered: anyOf(messageIds) } },
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

/** What routes are called, and what the history calls them. */
interface RecordedRoutes {
  nameOf(recordedAs: string): string;
  recordedAs(name: string): string;
}

/** The lanes that a stream is or was in, of a route that has one for it now. */
type LanesOf = (stream: string, lane: number) => readonly number[];

function byLane(messages: readonly DoneMessage[], lanesOf: LanesOf): readonly LaneMessages[] {
  const lanes = new Map<string, LaneMessages>();
  for (const { route, lane: now, row } of messages) {
    for (const lane of lanesOf(row._id.stream, now)) {
      const key = JSON.stringify([route, lane]);
      const known = lanes.get(key);
      const first = known?.after.lessThan(row.at) ? known.after : row.at;
      lanes.set(key, { route, lane, after: first, messageIds: [...(known?.messageIds ?? []), row.id] });
    }
  }
  return [...lanes.values()];
}

const DELIVERED = { '_id.outcome': 'delivered' } as const;

function deliveredSince(lanes: readonly number[], at: Timestamp): Filter<HistoryDocument> {
  return { ...DELIVERED, '_id.lane': { $in: [...new Set(lanes)] }, clusterTime: { $gte: at } };
}

const anyOf = (messageIds: readonly string[]): RegExp => new RegExp(`(?:^| )(?:${messageIds.map(literally).join('|')})(?: |$)`);

const newestFirst = (one: HistoryDocument, other: HistoryDocument): number => other.at.getTime() - one.at.getTime() || other.nth - one.nth;

function storedAttempt({ _id, instance, durationMs, detail, batchSize }: HistoryDocument, route: string): StoredAttempt {
  const { lane, outcome, startedAt } = _id;
  return { route, lane, instance, outcome, startedAt, durationMs, detail: detail ?? undefined, batchSize };
}
