import { randomUUID } from 'node:crypto';
import { SubscriptionLostError, SubscriptionRefusedError } from '@waybill/core';
import type {
  AcquireSubscriptionOptions,
  MessagePlace,
  RenewedSubscription,
  StoredSubscription,
  SubscriptionAdvance,
  SubscriptionGrant,
  SubscriptionLease,
  SubscriptionOrder,
  SubscriptionReport,
  SubscriptionStore,
} from '@waybill/core';
import type { ClientSession, Filter } from 'mongodb';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { codeOf, translate } from './mongodb-errors.js';
import type { MongoDBTransactions } from './mongodb-transactions.js';
import type { MongoDBTx } from './mongodb-tx.js';
import { requireOpen } from './require-open.js';
import type { SubscriptionDocument } from './stored-documents.js';
import { advancePipeline, progressOf, storedFailure } from './subscription-progress.js';
import { SubscriptionLeases } from './subscription-leases.js';
import type { Standing } from './subscription-leases.js';
import { forgetPassed, passedWrites } from './subscription-streams.js';

const CONVERSION_FAILURE = 241;

/**
 * Two documents each, so that a lease can be renewed while a transaction is open: what its transactions write, the place, nobody else does, but
 * who takes it over. In the other are the lease, what operators want, and what its holder tells beside.
 *
 * A take-over writes both, so a transaction that began before it conflicts with it, and finds the epoch changed when it comes again.
 */
export class MongoDBSubscriptions implements SubscriptionStore<MongoDBTx> {
  readonly #leases: SubscriptionLeases;

  constructor(
    private readonly collections: MongoDBCollections,
    private readonly transactions: MongoDBTransactions,
  ) {
    this.#leases = new SubscriptionLeases(collections);
  }

  async register(subscription: string, positions: string, start: bigint | undefined): Promise<void> {
    const { subscriptions } = this.collections;
    try {
      await forgetPassed(this.collections);
      const known = (await subscriptions.findOne({ _id: subscription })) ?? (await this.#make(subscription, positions, start));
      if (known.positions === positions) return;
      throw new SubscriptionRefusedError(subscription, known.positions, positions);
    } catch (error) {
      throw translate(error);
    }
  }

  #make(subscription: string, positions: string, start: bigint | undefined): Promise<SubscriptionDocument> {
    const { subscriptions } = this.collections;
    return this.transactions.run(async ({ session }) => {
      const epoch = await this.#leases.make(subscription, session);
      const made = await subscriptions.findOneAndUpdate(
        { _id: subscription },
        {
          $setOnInsert: {
            ...{ positions, life: randomUUID(), epoch, position: start === undefined ? null : int64(start), lastMessage: null },
            ...{ state: 'running', failure: null, lastOccurredAt: null, messages: int64(0n), movedAt: null },
          },
        },
        { session, upsert: true, returnDocument: 'after' },
      );
      return made!;
    });
  }

  async acquire({ subscription, owner, leaseMs }: AcquireSubscriptionOptions): Promise<SubscriptionGrant | undefined> {
    try {
      const taken = await this.#leases.take(subscription, owner, leaseMs);
      return taken && { lease: taken.lease, takenOver: taken.takenOver, progress: progressOf(taken.subscription) };
    } catch (error) {
      throw translate(error);
    }
  }

  async renew(lease: SubscriptionLease, leaseMs: number): Promise<RenewedSubscription | undefined> {
    try {
      return await this.#leases.renew(lease, leaseMs);
    } catch (error) {
      throw translate(error);
    }
  }

  async release(lease: SubscriptionLease): Promise<void> {
    try {
      await this.#leases.release(lease);
    } catch (error) {
      throw translate(error);
    }
  }

  async advance(lease: SubscriptionLease, advance: SubscriptionAdvance, tx: MongoDBTx): Promise<void> {
    requireOpen(tx);
    const { session } = tx;
    const { subscriptions, passed } = this.collections;
    await this.#leases.nameSession(lease, session);
    try {
      const moved = await subscriptions.findOneAndUpdate({ _id: lease.subscription }, advancePipeline(lease, advance), {
        session,
        upsert: true,
        returnDocument: 'after',
        projection: { life: 1 },
      });
      if (advance.streams.length > 0) await passed.bulkWrite(passedWrites(moved!.life, advance.streams), { session, ordered: false });
    } catch (error) {
      throw codeOf(error) === CONVERSION_FAILURE ? lost(lease) : error;
    }
  }

  async report(lease: SubscriptionLease, report: SubscriptionReport): Promise<void> {
    try {
      // An order must not be lost with a report that was refused; without one, what the second write tells may be told again.
      await (report.resumed ? this.transactions.run(({ session }) => this.#report(lease, report, session)) : this.#report(lease, report));
    } catch (error) {
      throw translate(error);
    }
  }

  /** State and failure as they are already are no write to the server: a report while a transaction of the holder is open is nothing to it. */
  async #report(lease: SubscriptionLease, report: SubscriptionReport, session?: ClientSession): Promise<void> {
    const { state, failure } = report;
    const reported = { state, failure: failure ? storedFailure(failure) : null };
    const { matchedCount } = await this.collections.subscriptions.updateOne(heldBy(lease), { $set: reported }, { session });
    if (matchedCount === 0) throw lost(lease);
    await this.#leases.report(lease, report, session);
  }

  async order(subscription: string, order: SubscriptionOrder): Promise<boolean> {
    try {
      return await this.#leases.order(subscription, order);
    } catch (error) {
      throw translate(error);
    }
  }

  async find(subscription: string, tx?: MongoDBTx): Promise<StoredSubscription | undefined> {
    if (!tx) return (await this.#stored({ _id: subscription }))[0];
    requireOpen(tx);
    const { session } = tx;
    // What is read here must not change until the transaction ends: written, whoever writes it next conflicts, or waits.
    const found = await this.collections.subscriptions.findOneAndUpdate(
      { _id: subscription },
      { $inc: { looks: 1 } },
      { session, returnDocument: 'after' },
    );
    return found ? storedSubscription(found, await this.#leases.standing(subscription, session)) : undefined;
  }

  async all(): Promise<readonly StoredSubscription[]> {
    return this.#stored({});
  }

  async #stored(filter: Filter<SubscriptionDocument>): Promise<readonly StoredSubscription[]> {
    try {
      const found = await this.collections.subscriptions.find(filter).sort({ _id: 1 }).toArray();
      return await Promise.all(found.map(async (one) => storedSubscription(one, await this.#leases.standing(one._id))));
    } catch (error) {
      throw translate(error);
    }
  }

  async passed(subscription: string, streams: readonly string[]): Promise<readonly MessagePlace[]> {
    if (streams.length === 0) return [];
    const { subscriptions, passed } = this.collections;
    try {
      const known = await subscriptions.findOne({ _id: subscription }, { projection: { life: 1 } });
      if (!known) return [];
      const ids = streams.map((stream) => ({ subscription: known.life, stream }));
      const found = await passed.find({ _id: { $in: ids } }).toArray();
      return found.map(({ _id: { stream }, revision }) => ({ stream, revision: revision.toBigInt() }));
    } catch (error) {
      throw translate(error);
    }
  }

  async remove(subscription: string, tx: MongoDBTx): Promise<boolean> {
    requireOpen(tx);
    const { session } = tx;
    const removed = await this.collections.subscriptions.findOneAndDelete({ _id: subscription }, { session });
    if (!removed) return false;
    await this.#leases.end(subscription, removed.life, session);
    return true;
  }
}

const lost = ({ subscription, epoch }: SubscriptionLease): SubscriptionLostError => new SubscriptionLostError(subscription, epoch);

const heldBy = ({ subscription, epoch }: SubscriptionLease): Filter<SubscriptionDocument> => ({ _id: subscription, epoch: int64(epoch) });

function storedSubscription(stored: SubscriptionDocument, standing: Standing | undefined): StoredSubscription {
  const isHeld = standing?.isHeld === true;
  return {
    ...progressOf(stored),
    ...{ subscription: stored._id, positions: stored.positions, paused: standing?.paused === true },
    ...{ owner: isHeld ? (standing.owner ?? undefined) : undefined, epoch: stored.epoch.toBigInt() },
    ...{ caughtUp: isHeld && standing.caughtUp, head: standing?.head?.toBigInt() },
    ...{ lastOccurredAt: stored.lastOccurredAt ?? undefined, messages: stored.messages.toBigInt(), movedAt: stored.movedAt ?? undefined },
  };
}
