import { SubscriptionLostError, SubscriptionRefusedError } from '../errors.js';
import type { MessagePlace } from '../outbox/delivery-status.js';
import type {
  AcquireSubscriptionOptions,
  RenewedSubscription,
  StoredSubscription,
  SubscriptionAdvance,
  SubscriptionGrant,
  SubscriptionLease,
  SubscriptionOrder,
  SubscriptionOrders,
  SubscriptionReport,
  SubscriptionStore,
} from '../subscription/subscription-store.js';
import type { InMemoryState } from './in-memory-state.js';
import { InMemoryTable } from './in-memory-table.js';
import type { InMemoryTransactions, InMemoryTx } from './in-memory-transactions.js';

interface SubscriptionRow extends StoredSubscription {
  readonly leaseUntil: Date;
  readonly released: boolean;
  readonly resume: SubscriptionOrders['resume'];
  readonly passed: ReadonlyMap<string, bigint>;
}

const NEW: Omit<SubscriptionRow, 'subscription' | 'positions' | 'position'> = {
  ...{ lastMessage: undefined, state: 'running', failure: undefined, paused: false, owner: undefined, epoch: 0n, caughtUp: false },
  ...{ head: undefined, lastOccurredAt: undefined, messages: 0n, movedAt: undefined, leaseUntil: new Date(0), released: true },
  ...{ resume: undefined, passed: new Map<string, bigint>() },
};

export class InMemorySubscriptions implements SubscriptionStore<InMemoryTx> {
  readonly #rows: InMemoryTable<SubscriptionRow>;

  constructor(
    private readonly state: InMemoryState,
    private readonly transactions: InMemoryTransactions,
  ) {
    this.#rows = new InMemoryTable('subscription', transactions);
  }

  register(subscription: string, positions: string, start: bigint | undefined): Promise<void> {
    return this.transactions.run(async (tx) => {
      const known = await this.#rows.locked(subscription, tx);
      if (!known) this.#rows.set(subscription, { ...NEW, subscription, positions, position: start }, tx);
      else if (known.positions !== positions) throw new SubscriptionRefusedError(subscription, known.positions, positions);
    });
  }

  acquire({ subscription, owner, leaseMs }: AcquireSubscriptionOptions): Promise<SubscriptionGrant | undefined> {
    return this.#change(subscription, (row): [SubscriptionRow, SubscriptionGrant] | undefined => {
      if (!row || (!row.released && row.leaseUntil > this.state.clock.now())) return undefined;
      const held = {
        ...{ ...row, owner, released: false, caughtUp: false, epoch: this.state.nextEpoch(), leaseUntil: this.#until(leaseMs) },
      };
      const { position, lastMessage, state, failure } = row;
      return [held, { lease: leaseOf(held), progress: { position, lastMessage, state, failure }, takenOver: !row.released }];
    });
  }

  renew(lease: SubscriptionLease, leaseMs: number): Promise<RenewedSubscription | undefined> {
    return this.#change(lease.subscription, (row): [SubscriptionRow, RenewedSubscription] | undefined => {
      if (row?.epoch !== lease.epoch || row.released) return undefined;
      const renewed = { ...row, leaseUntil: this.#until(leaseMs) };
      return [renewed, { lease: leaseOf(renewed), orders: { paused: row.paused, resume: row.resume } }];
    });
  }

  async release(lease: SubscriptionLease): Promise<void> {
    await this.#change(lease.subscription, (row) =>
      row?.epoch === lease.epoch ? [{ ...row, owner: undefined, released: true }, undefined] : undefined,
    );
  }

  async advance(lease: SubscriptionLease, advance: SubscriptionAdvance, tx: InMemoryTx): Promise<void> {
    const row = await this.#rows.locked(lease.subscription, tx);
    if (row?.epoch !== lease.epoch) throw (tx.doomed = new SubscriptionLostError(lease.subscription, lease.epoch));
    const passed = new Map(row.passed);
    for (const { stream, revision } of advance.streams) passed.set(stream, higher(passed.get(stream), revision)!);
    const moved: SubscriptionRow = {
      ...{ ...row, passed, state: 'running', failure: undefined, movedAt: this.state.clock.now() },
      position: higher(row.position, advance.position),
      lastMessage: higher(row.lastMessage, advance.lastMessage),
      lastOccurredAt: advance.lastOccurredAt ?? row.lastOccurredAt,
      messages: row.messages + BigInt(advance.messages),
    };
    this.#rows.set(lease.subscription, moved, tx);
  }

  async report(lease: SubscriptionLease, { resumed, ...told }: SubscriptionReport): Promise<void> {
    const reported = await this.#change(lease.subscription, (row): [SubscriptionRow, true] | undefined =>
      row?.epoch === lease.epoch ? [{ ...row, ...told, resume: resumed ? undefined : row.resume }, true] : undefined,
    );
    if (!reported) throw new SubscriptionLostError(lease.subscription, lease.epoch);
  }

  async order(subscription: string, order: SubscriptionOrder): Promise<boolean> {
    const ordered = await this.#change(subscription, (row): [SubscriptionRow, true] | undefined => row && [{ ...row, ...order }, true]);
    return ordered === true;
  }

  async find(subscription: string, tx?: InMemoryTx): Promise<StoredSubscription | undefined> {
    if (tx) await this.#rows.lock(subscription, tx);
    const row = this.#rows.get(subscription, tx);
    return row && this.#storedOf(row);
  }

  all(): Promise<readonly StoredSubscription[]> {
    return Promise.resolve(this.#rows.all().map((row) => this.#storedOf(row)));
  }

  passed(subscription: string, streams: readonly string[]): Promise<readonly MessagePlace[]> {
    const passed = this.#rows.get(subscription)?.passed;
    return Promise.resolve(
      [...new Set(streams)].flatMap((stream) => {
        const revision = passed?.get(stream);
        return revision === undefined ? [] : [{ stream, revision }];
      }),
    );
  }

  async remove(subscription: string, tx: InMemoryTx): Promise<boolean> {
    const row = await this.#rows.locked(subscription, tx);
    if (row) this.#rows.set(subscription, undefined, tx);
    return row !== undefined;
  }

  /** What the database's clock and the epochs of leases mean in a copy that was adopted: nobody holds anything. */
  async endLeases(): Promise<void> {
    for (const { subscription } of this.#rows.all())
      await this.#change(
        subscription,
        (row) => row && [{ ...row, owner: undefined, released: true, epoch: this.state.nextEpoch() }, undefined],
      );
  }

  /** One write by itself, behind whichever transaction has the row. */
  #change<Answer>(
    subscription: string,
    change: (row: SubscriptionRow | undefined) => [SubscriptionRow, Answer] | undefined,
  ): Promise<Answer | undefined> {
    return this.transactions.run(async (tx) => {
      const changed = change(await this.#rows.locked(subscription, tx));
      if (changed) this.#rows.set(subscription, changed[0], tx);
      return changed?.[1];
    });
  }

  #storedOf({ leaseUntil, released, resume: _resume, passed: _passed, ...stored }: SubscriptionRow): StoredSubscription {
    const held = !released && leaseUntil > this.state.clock.now();
    return { ...stored, owner: held ? stored.owner : undefined, caughtUp: held && stored.caughtUp };
  }

  #until(leaseMs: number): Date {
    return new Date(this.state.clock.now().getTime() + leaseMs);
  }
}

const leaseOf = ({ subscription, epoch, leaseUntil }: SubscriptionRow): SubscriptionLease => ({
  ...{ subscription, epoch, expiresAt: leaseUntil },
});

function higher<Number extends bigint | undefined>(one: Number, other: Number): Number {
  if (one === undefined || other === undefined) return one ?? other;
  return one > other ? one : other;
}
