import type { RenewedSubscription, SubscriptionLease, SubscriptionOrder, SubscriptionOrders, SubscriptionReport } from '@waybill/core';
import type { ClientSession, Filter, Long } from 'mongodb';
import { endSessions } from './end-sessions.js';
import { int64 } from './int64.js';
import { IS_FREE } from './lease-time.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { codeOf } from './mongodb-errors.js';
import type { SubscriptionDocument, SubscriptionLeaseDocument } from './stored-documents.js';

const TAKE_MS = 300;
const MAX_TIME_EXPIRED = 50;
/** A driver's sessions are used again, the last one first: what a process has open is among these. */
const MOST_SESSIONS = 32;

export interface TakenSubscription {
  readonly lease: SubscriptionLease;
  readonly takenOver: boolean;
  readonly subscription: SubscriptionDocument;
}

/** What a lease is worth now, as the server says. */
export type Standing = SubscriptionLeaseDocument & { readonly isHeld: boolean };

/** Who holds each subscription, by the server's clock, and what operators want of it. */
export class SubscriptionLeases {
  /** Of the leases of this process: the sessions that their documents name. */
  readonly #named = new Map<string, { readonly epoch: bigint; readonly sessions: Set<string> }>();

  constructor(private readonly collections: MongoDBCollections) {}

  /** @returns an epoch that nobody ever held it in */
  async make(subscription: string, session: ClientSession): Promise<Long> {
    const made = await this.collections.subscriptionLeases.findOneAndUpdate(
      { _id: subscription },
      {
        $set: { isRemoved: false },
        $setOnInsert: {
          ...{ epoch: int64(0n), owner: null, leaseUntil: new Date(0), leaseMs: 0, released: true },
          ...{ sessions: [], caughtUp: false, head: null, paused: false, resume: null, ended: [] },
        },
      },
      { session, upsert: true, returnDocument: 'after' },
    );
    return made!.epoch;
  }

  async take(subscription: string, owner: string, leaseMs: number): Promise<TakenSubscription | undefined> {
    const { client, subscriptionLeases } = this.collections;
    // Whoever came first has made it not free.
    const before = await subscriptionLeases.findOneAndUpdate(
      { _id: subscription, isRemoved: false, $expr: IS_FREE },
      [
        {
          $set: {
            ...{ owner: { $literal: owner }, epoch: { $add: ['$epoch', int64(1n)] }, leaseMs, leaseUntil: { $add: ['$$NOW', leaseMs] } },
            ...{ released: false, caughtUp: false },
          },
        },
      ],
      { returnDocument: 'before' },
    );
    if (!before) return undefined;
    const epoch = before.epoch.add(1);
    const takenOver = !before.released;
    // Transactions of a process that is gone would keep what they have written, the place among it, for a minute.
    if (takenOver) await endSessions(client, before.sessions);
    const progress = await this.#fence(subscription, epoch);
    if (!progress) {
      // Nobody holds it; and whoever tries next is told that it was not released.
      await subscriptionLeases.updateOne({ _id: subscription, epoch }, [
        { $set: { leaseUntil: '$$NOW', owner: null, released: !takenOver } },
      ]);
      return undefined;
    }
    const ours = { _id: subscription, epoch };
    const taken = await subscriptionLeases.findOneAndUpdate(ours, { $set: { sessions: [] } }, { returnDocument: 'after' });
    return taken ? { lease: leaseOf(taken), takenOver, subscription: progress } : undefined;
  }

  /** From here on no transaction of an earlier holder commits. `undefined`: one is open, and cannot be ended; or there is no such subscription. */
  async #fence(subscription: string, epoch: Long): Promise<SubscriptionDocument | undefined> {
    try {
      const fenced = await this.collections.subscriptions.findOneAndUpdate(
        { _id: subscription, epoch: { $lt: epoch } },
        { $set: { epoch } },
        { returnDocument: 'after', maxTimeMS: TAKE_MS },
      );
      return fenced ?? undefined;
    } catch (error) {
      if (codeOf(error) === MAX_TIME_EXPIRED) return undefined;
      throw error;
    }
  }

  async renew(lease: SubscriptionLease, leaseMs: number): Promise<RenewedSubscription | undefined> {
    const renewed = await this.collections.subscriptionLeases.findOneAndUpdate(
      heldBy(lease),
      [{ $set: { leaseMs, leaseUntil: { $add: ['$$NOW', leaseMs] } } }],
      { returnDocument: 'after' },
    );
    return renewed ? { lease: leaseOf(renewed), orders: ordersOf(renewed) } : undefined;
  }

  async release(lease: SubscriptionLease): Promise<void> {
    this.#named.delete(lease.subscription);
    await this.collections.subscriptionLeases.updateOne(heldBy(lease), { $set: { owner: null, released: true, sessions: [] } });
  }

  /**
   * Killed in the transaction, this process would leave it open, with all that it has written locked, for a minute: whoever takes over ends
   * this session. Only once a session, for a driver uses them again.
   */
  async nameSession(lease: SubscriptionLease, session: ClientSession): Promise<void> {
    const { subscription, epoch } = lease;
    const id = session.id!['id'];
    const known = this.#named.get(subscription);
    const sessions = known?.epoch === epoch ? known.sessions : new Set<string>();
    const name = id.toString('hex');
    if (sessions.has(name)) return;
    if (sessions.size >= MOST_SESSIONS) sessions.clear();
    sessions.add(name);
    this.#named.set(subscription, { epoch, sessions });
    // Without it a kill costs time, and nothing else: it is no reason to give the transaction up.
    await this.collections.subscriptionLeases
      .updateOne(heldBy(lease), { $push: { sessions: { $each: [id], $slice: -MOST_SESSIONS } } }, { maxTimeMS: TAKE_MS })
      .catch(() => sessions.delete(name));
  }

  async report(lease: SubscriptionLease, { caughtUp, head, resumed }: SubscriptionReport, session?: ClientSession): Promise<void> {
    const told = { caughtUp, head: head === undefined ? null : int64(head), ...(resumed && { resume: null }) };
    await this.collections.subscriptionLeases.updateOne(heldBy(lease), { $set: told }, { session });
  }

  async order(subscription: string, order: SubscriptionOrder): Promise<boolean> {
    const ordered =
      'paused' in order ? { paused: order.paused } : { resume: { skip: order.resume.skip ?? null, reason: order.resume.reason ?? null } };
    const { matchedCount } = await this.collections.subscriptionLeases.updateOne(
      { _id: subscription, isRemoved: false },
      { $set: ordered },
    );
    return matchedCount > 0;
  }

  /** As it is now: the server says whether the lease has run out. */
  async standing(subscription: string, session?: ClientSession): Promise<Standing | undefined> {
    const [found] = await this.collections.subscriptionLeases
      .aggregate<Standing>([{ $match: { _id: subscription } }, { $set: { isHeld: { $not: [IS_FREE] } } }], { session })
      .toArray();
    return found;
  }

  /** Leaves the epoch, which whoever held it must not fit again, and what is to be forgotten: too much for this transaction. */
  async end(subscription: string, life: string, session: ClientSession): Promise<void> {
    await this.collections.subscriptionLeases.updateOne(
      { _id: subscription },
      {
        $set: { isRemoved: true, owner: null, released: true, sessions: [], caughtUp: false, head: null, paused: false, resume: null },
        $inc: { epoch: int64(1n) },
        $push: { ended: life },
      },
      { session },
    );
  }
}

const heldBy = ({ subscription, epoch }: SubscriptionLease): Filter<SubscriptionLeaseDocument> => ({
  _id: subscription,
  epoch: int64(epoch),
  released: false,
  isRemoved: false,
});

const leaseOf = ({ _id, epoch, leaseUntil }: SubscriptionLeaseDocument): SubscriptionLease => ({
  subscription: _id,
  epoch: epoch.toBigInt(),
  expiresAt: leaseUntil,
});

const ordersOf = ({ paused, resume }: SubscriptionLeaseDocument): SubscriptionOrders => ({
  paused,
  resume: resume ? { skip: resume.skip ?? undefined, reason: resume.reason ?? undefined } : undefined,
});
