import { appendsWithout, LeaseLostError } from '@waybill/core';
import type {
  DeliveryAttempt,
  DiscardedMessage,
  ExecutedAction,
  LaneLease,
  MessagePlace,
  Settlement,
  StoppedStream,
  StreamAppend,
} from '@waybill/core';
import type { AnyBulkWriteOperation, AnyClientBulkWriteModel, ClientSession, Document } from 'mongodb';
import { failureOfBulkWrite, isRefusedBulkWrite, takesBulkWrite } from './bulk-write.js';
import { deliveredAs, deliveredWrites } from './delivered-streams.js';
import { lineWrites } from './history-lines.js';
import type { Holder, LineWrite } from './history-lines.js';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { codeOf } from './mongodb-errors.js';
import type { MongoDBOutbox } from './mongodb-outbox.js';
import type { MongoDBTransactions } from './mongodb-transactions.js';
import type { MongoDBTx } from './mongodb-tx.js';
import { positionOf } from './place.js';
import { refuseStandAlone } from './schema/topology.js';
import type { ActionDocument, LaneDocument } from './stored-documents.js';
import { failureDocument } from './stored-failure.js';
import { stoppedDocument } from './stored-stopped-stream.js';

interface Lane {
  readonly route: string;
  readonly lane: number;
}

interface KnownHolder extends Holder {
  readonly epoch: bigint;
  /** What the route is called where it is remembered what it delivered last. */
  readonly deliveredAs: string;
}

const CONVERSION_FAILURE = 241;

/**
 * Records what a lane has done.
 *
 * The usual settlement moves the lane and adds lines to the history: one command where the server takes writes to two collections in one,
 * else two. The lane is written first, and where the lease was lost that write fails, so a refused settlement leaves no line. A crash between
 * the two costs the line, and nothing else. Whatever more there is to record is written in one transaction with lane and lines.
 */
export class MongoDBSettlements {
  #takesOneCommand: Promise<boolean> | undefined;
  /** Of leases that settled here, by lane. */
  readonly #holders = new Map<string, KnownHolder>();

  constructor(
    private readonly collections: MongoDBCollections,
    private readonly transactions: MongoDBTransactions,
    private readonly outbox: MongoDBOutbox,
  ) {}

  /** @throws {@link LeaseLostError}, or errors of MongoDB as they are */
  async settle(lease: LaneLease, settlement: Settlement): Promise<void> {
    if (isMoreThanProgress(settlement)) return this.#settleTogether(lease, settlement);
    const { attempts = [] } = settlement;
    if (attempts.length === 0) return this.#settleLane(lease, settlement);
    await this.#settleWithLines(lease, settlement, attempts);
  }

  async #settleWithLines(lease: LaneLease, settlement: Settlement, attempts: readonly DeliveryAttempt[]): Promise<void> {
    const lines = lineWrites(await this.#holderOf(lease), attempts);
    if ((await this.#inOneCommand()) && (await this.#settleAtOnce(lease, settlement, lines))) return;
    await this.#settleLane(lease, settlement);
    // The lane has moved: whoever was told of an error now would deliver again what is recorded as delivered.
    await this.collections.history.bulkWrite(lines.map(asUpsert), { ordered: false }).catch(() => {});
  }

  /** @returns false when the server takes no such command any more */
  async #settleAtOnce(lease: LaneLease, settlement: Settlement, lines: readonly LineWrite[]): Promise<boolean> {
    const { client, lanes, history } = this.collections;
    const writes: readonly AnyClientBulkWriteModel<Document>[] = [
      { name: 'updateOne', namespace: lanes.namespace, ...fencedUpdate(lease, settlement), upsert: true },
      ...lines.map(({ filter, update }) => ({ name: 'updateOne', namespace: history.namespace, filter, update, upsert: true }) as const),
    ];
    try {
      await client.bulkWrite(writes, { ordered: true, writeConcern: { w: 'majority' }, ignoreUndefined: true });
      return true;
    } catch (error) {
      const { write, cause } = failureOfBulkWrite(error);
      if (write !== undefined && write > 0) return true; // a line: see above
      if (write === 0 && codeOf(cause) === CONVERSION_FAILURE) throw lost(lease);
      if (!isRefusedBulkWrite(cause)) throw cause;
      this.#takesOneCommand = undefined;
      return false;
    }
  }

  #inOneCommand(): Promise<boolean> {
    this.#takesOneCommand ??= refuseStandAlone(this.collections)
      .then(({ maxWireVersion }) => takesBulkWrite(this.collections, maxWireVersion))
      .catch((error: unknown) => {
        this.#takesOneCommand = undefined;
        throw error;
      });
    return this.#takesOneCommand;
  }

  async #settleLane(lease: LaneLease, settlement: Settlement, session?: ClientSession): Promise<void> {
    const { matchedCount } = await this.collections.lanes.updateOne(heldBy(lease), { $set: progressDocument(settlement) }, { session });
    if (matchedCount === 0) throw lost(lease);
  }

  async #settleTogether(lease: LaneLease, settlement: Settlement): Promise<void> {
    const {
      executed = [],
      stopped = [],
      resumed = [],
      discarded = [],
      placeholders = [],
      delivered = [],
      replies = [],
      attempts = [],
    } = settlement;
    const holder = await this.#holderOf(lease);
    const session = this.collections.client.startSession();
    try {
      await this.#name(session, lease);
    } catch (error) {
      await session.endSession();
      throw error;
    }
    await this.transactions.runIn(
      session,
      async (tx) => {
        // First: of two that settle the same lane one is run again, and sees what the other has appended.
        await this.#settleLane(lease, settlement, session);
        await this.#endActions(lease, holder, { executed, discarded }, session);
        await this.#changeStopped(lease, stopped, resumed, session);
        await this.#markPlaceholders(placeholders, session);
        if (delivered.length > 0)
          await this.collections.delivered.bulkWrite([...deliveredWrites(holder.deliveredAs, delivered)], { session, ordered: false });
        const lines = lineWrites(holder, attempts);
        if (lines.length > 0) await this.collections.history.bulkWrite(lines.map(asUpsert), { session });
        await this.#append(replies, tx); // last: from here to the commit the heads of their streams are taken
      },
      undefined,
      () => session.endSession(),
    );
  }

  /** What the outbox has not: the settlement may have been stored before. */
  async #append(replies: readonly StreamAppend[], tx: MongoDBTx): Promise<void> {
    if (replies.length === 0) return;
    const ids = replies.flatMap(({ messages }) => messages.map(({ id }) => id));
    const known = await this.collections.outbox
      .find({ id: { $in: ids } }, { session: tx.session })
      .project<{ id: string }>({ id: 1 })
      .toArray();
    const missing = appendsWithout(new Set(known.map(({ id }) => id)), replies);
    if (missing.length > 0) await this.outbox.append(missing, tx);
  }

  /** Killed in the transaction, this process would leave it open, and the lane locked, for a minute: whoever takes over ends this session. */
  async #name(session: ClientSession, lease: LaneLease): Promise<void> {
    const { matchedCount } = await this.collections.lanes.updateOne(heldBy(lease), { $set: { session: session.id!['id'] } });
    if (matchedCount === 0) throw lost(lease);
  }

  async #endActions(
    lane: Lane,
    holder: Holder,
    { executed, discarded }: Required<Pick<Settlement, 'executed' | 'discarded'>>,
    session: ClientSession,
  ): Promise<void> {
    const writes: AnyBulkWriteOperation<ActionDocument>[] = [
      ...executed.map((action) => ({
        updateOne: { filter: { _id: action.id, executedAt: null }, update: [{ $set: endedAction(action) }] },
      })),
      ...discarded.map((message, nth) => ({
        updateOne: { filter: { _id: discardId(holder, message) }, update: discardUpdate(lane, message, nth), upsert: true },
      })),
    ];
    if (writes.length > 0) await this.collections.actions.bulkWrite(writes, { session });
  }

  async #changeStopped(lane: Lane, stopped: readonly StoppedStream[], resumed: readonly string[], session: ClientSession): Promise<void> {
    const { route, lane: number } = lane;
    const writes = [
      ...stopped.map((entry) => {
        const { _id, ...replacement } = stoppedDocument(lane, entry);
        return { replaceOne: { filter: { _id }, replacement, upsert: true } };
      }),
      ...resumed.map((stream) => ({ deleteOne: { filter: { _id: { route, lane: number, stream } } } })),
    ];
    if (writes.length > 0) await this.collections.stopped.bulkWrite(writes, { session });
  }

  async #markPlaceholders(places: readonly MessagePlace[], session: ClientSession): Promise<void> {
    if (places.length === 0) return;
    await this.collections.outbox.bulkWrite(
      places.map(({ stream, revision }) => ({
        updateOne: { filter: { _id: { stream, revision: int64(revision) } }, update: { $set: { placeholder: true as const } } },
      })),
      { session },
    );
  }

  /** Once an epoch: whoever renames the route moves that on. */
  async #holderOf(lease: LaneLease): Promise<KnownHolder> {
    const { route, lane, epoch } = lease;
    const key = JSON.stringify([route, lane]);
    const known = this.#holders.get(key);
    if (known?.epoch === epoch) return known;
    const [ofLane, ofRoute] = await Promise.all([
      this.collections.lanes.findOne(heldBy(lease), { projection: { owner: 1 } }),
      this.collections.routes.findOne({ _id: route }, { projection: { recordedAs: 1, life: 1 } }),
    ]);
    if (!ofLane) throw lost(lease);
    const names = ofRoute ?? { _id: route };
    const holder = {
      ...{ route: ofRoute?.recordedAs ?? route, lane, epoch, instance: ofLane.owner ?? '' },
      deliveredAs: deliveredAs(names),
    };
    this.#holders.set(key, holder);
    return holder;
  }
}

const lost = ({ route, lane, epoch }: LaneLease): LeaseLostError => new LeaseLostError(route, lane, epoch);

const heldBy = ({ route, lane, epoch }: LaneLease) => ({ _id: { route, lane }, epoch: int64(epoch) });

function isMoreThanProgress(settlement: Settlement): boolean {
  const { executed, stopped, resumed, discarded, placeholders, delivered, replies } = settlement;
  return [executed, stopped, resumed, discarded, placeholders, delivered, replies].some((part) => part !== undefined && part.length > 0);
}

type ProgressDocument = Pick<LaneDocument, 'position' | 'state' | 'failure' | 'suspects' | 'session'>;

const progressDocument = ({ checkpoint, state, failure, suspects }: Settlement): ProgressDocument => ({
  ...{ position: int64(positionOf(checkpoint)), state, failure: failure ? failureDocument(failure) : null, suspects, session: null },
});

/** Fails in the server where the lease is not the lane's any more: what comes after it in the same command is not written then. */
function fencedUpdate(lease: LaneLease, settlement: Settlement): { readonly filter: Document; readonly update: Document[] } {
  const { route, lane, epoch } = lease;
  const { position, ...others } = progressDocument(settlement);
  const fail = { $toInt: { $concat: ['lease lost: ', '$_id.route'] } };
  const literals = Object.fromEntries(Object.entries(others).map(([name, value]) => [name, { $literal: value }]));
  const held = { $cond: [{ $eq: ['$epoch', int64(epoch)] }, position, fail] };
  return { filter: { _id: { route, lane } }, update: [{ $set: { position: held, ...literals } }] };
}

const asUpsert = ({ filter, update }: LineWrite) => ({ updateOne: { filter, update, upsert: true } });

const endedAction = ({ outcome, note }: ExecutedAction): Document => ({
  executedAt: '$$NOW',
  outcome,
  note: note === undefined ? null : { $literal: note },
});

const discardId = ({ route }: Holder, { messageId }: DiscardedMessage): string => JSON.stringify(['discard', route, messageId]);

/** The first time counts: a settlement that is recorded again changes nothing. */
function discardUpdate({ route, lane }: Lane, { messageId, stream, reason }: DiscardedMessage, nth: number): Document[] {
  const action = { route, lane, kind: 'discard', messageId, stream, reason, requestedBy: null, nth, outcome: 'done', note: null };
  const now = { requestedAt: '$$NOW', executedAt: '$$NOW', at: '$$CLUSTER_TIME' };
  const written = { $mergeObjects: [{ $literal: action }, { _id: '$_id', ...now }] };
  return [{ $replaceWith: { $cond: [{ $eq: [{ $type: '$at' }, 'missing'] }, written, '$$ROOT'] } }];
}
