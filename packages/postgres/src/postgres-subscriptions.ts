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
  SubscriptionOrders,
  SubscriptionReport,
  SubscriptionStore,
} from '@waybill/core';
import { plainJson, plainText } from './plain-text.js';
import type { PostgresConnection } from './postgres-connection.js';
import { progressOf, subscriptionLeaseOf, subscriptionOf } from './subscription-columns.js';
import type { ProgressColumns, SubscriptionColumns, SubscriptionLeaseColumns } from './subscription-columns.js';
import { subscriptionStatements } from './subscription-statements.js';
import type { SubscriptionStatements } from './subscription-statements.js';

/** A subscription is a row, with its lease; whoever moves it on writes that row in the transaction of the effects. */
export class PostgresSubscriptions<Tx> implements SubscriptionStore<Tx> {
  readonly #sql: SubscriptionStatements;

  constructor(private readonly connection: PostgresConnection<Tx>) {
    this.#sql = subscriptionStatements(connection.schema);
  }

  async register(subscription: string, positions: string, start: bigint | undefined): Promise<void> {
    await this.#forgetRemoved();
    const [made] = await this.connection.query(this.#sql.register, [subscription, positions, textOf(start)]);
    if (made) return;
    const [known] = await this.connection.query<{ positions: string }>(this.#sql.positions, [subscription]);
    if (!known) return this.register(subscription, positions, start); // removed in between
    if (known.positions === positions) return;
    throw new SubscriptionRefusedError(subscription, known.positions, positions);
  }

  async acquire({ subscription, owner, leaseMs }: AcquireSubscriptionOptions): Promise<SubscriptionGrant | undefined> {
    const [row] = await this.connection.query<SubscriptionLeaseColumns & ProgressColumns & { taken_over: string }>(this.#sql.acquire, [
      ...[subscription, owner, String(leaseMs)],
    ]);
    return row && { lease: subscriptionLeaseOf(subscription, row), progress: progressOf(row), takenOver: row.taken_over === 'true' };
  }

  async renew({ subscription, epoch }: SubscriptionLease, leaseMs: number): Promise<RenewedSubscription | undefined> {
    const [row] = await this.connection.query<SubscriptionLeaseColumns & { paused: string; resume: string | null }>(this.#sql.renew, [
      ...[subscription, String(epoch), String(leaseMs)],
    ]);
    return (
      row && { lease: subscriptionLeaseOf(subscription, row), orders: { paused: row.paused === 'true', resume: resumeOf(row.resume) } }
    );
  }

  async release({ subscription, epoch }: SubscriptionLease): Promise<void> {
    await this.connection.query(this.#sql.release, [subscription, String(epoch)]);
  }

  async advance({ subscription, epoch }: SubscriptionLease, advance: SubscriptionAdvance, tx: Tx): Promise<void> {
    const { position, lastMessage, lastOccurredAt, messages, streams } = advance;
    const [moved] = await this.connection.queryIn<{ number: string | null }>(tx, this.#sql.advance, [
      ...[subscription, String(epoch), String(position), textOf(lastMessage), textOf(lastOccurredAt?.getTime()), String(messages)],
      plainJson(lastOfEach(streams)),
    ]);
    if (moved!.number === null) throw new SubscriptionLostError(subscription, epoch);
  }

  async report({ subscription, epoch }: SubscriptionLease, report: SubscriptionReport): Promise<void> {
    const reported = await this.connection.query(this.#sql.report, [subscription, String(epoch), plainJson(reportColumns(report))]);
    if (reported.length === 0) throw new SubscriptionLostError(subscription, epoch);
  }

  async order(subscription: string, order: SubscriptionOrder): Promise<boolean> {
    const ordered =
      'paused' in order
        ? await this.connection.query(this.#sql.pause, [subscription, String(order.paused)])
        : await this.connection.query(this.#sql.resume, [subscription, plainJson(order.resume)]);
    return ordered.length > 0;
  }

  async find(subscription: string, tx?: NoInfer<Tx>): Promise<StoredSubscription | undefined> {
    const [row] = await (tx === undefined
      ? this.connection.query<SubscriptionColumns>(this.#sql.find, [subscription])
      : this.connection.queryIn<SubscriptionColumns>(tx, this.#sql.findLocked, [subscription]));
    return row && subscriptionOf(row);
  }

  async all(): Promise<readonly StoredSubscription[]> {
    return (await this.connection.query<SubscriptionColumns>(this.#sql.all)).map(subscriptionOf);
  }

  async passed(subscription: string, streams: readonly string[]): Promise<readonly MessagePlace[]> {
    const rows = await this.connection.query<{ stream: string; revision: string }>(this.#sql.passed, [
      ...[subscription, JSON.stringify(streams.filter(isPlain))],
    ]);
    return rows.map(({ stream, revision }) => ({ stream, revision: BigInt(revision) }));
  }

  /** What it has passed is left behind: as many rows as there are streams, too many for the transaction that removes it. Nobody finds them. */
  async remove(subscription: string, tx: Tx): Promise<boolean> {
    const removed = await this.connection.queryIn(tx, this.#sql.remove, [subscription]);
    return removed.length > 0;
  }

  async #forgetRemoved(): Promise<void> {
    for (const { number } of await this.connection.query<{ number: string }>(this.#sql.removedNumbers))
      for (let forgotten = 1; forgotten > 0;) {
        const [some] = await this.connection.query<{ count: string }>(this.#sql.forgetStreams, [number]);
        forgotten = Number(some!.count);
      }
  }
}

/** One statement cannot write a row twice. Streams with names that PostgreSQL cannot keep are others': nobody waits for a message of theirs. */
function lastOfEach(streams: readonly MessagePlace[]): readonly { readonly stream: string; readonly revision: string }[] {
  const last = new Map<string, bigint>();
  for (const { stream, revision } of streams) if (isPlain(stream) && revision > (last.get(stream) ?? -1n)) last.set(stream, revision);
  return [...last].map(([stream, revision]) => ({ stream, revision: String(revision) }));
}

const reportColumns = ({ state, failure, caughtUp, head, resumed }: SubscriptionReport) => ({
  ...{ state, caught_up: caughtUp, head, resumed, attempts: failure?.attempts, error_code: failure?.code, last_error: failure?.error },
  ...{ failed_id: failure?.message?.id, failed_type: failure?.message?.type, failed_stream: failure?.message?.stream },
  ...{
    failed_revision: failure?.message?.revision,
    failed_position: failure?.message?.position,
    next_try_ms: failure?.nextTryAt?.getTime(),
  },
});

function resumeOf(stored: string | null): SubscriptionOrders['resume'] {
  if (stored === null) return undefined;
  const { skip, reason } = JSON.parse(stored) as { readonly skip?: string; readonly reason?: string };
  return { skip, reason };
}

const isPlain = (text: string): boolean => text === plainText(text);
const textOf = (value: bigint | number | undefined): string | null => (value === undefined ? null : String(value));
