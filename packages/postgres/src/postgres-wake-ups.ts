import { createHash, randomUUID } from 'node:crypto';
import { aborted, delay, laneOf, systemClock } from '@waybill/core';
import type { WakeHint, WakeUps } from '@waybill/core';
import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import type { PostgresConnection } from './postgres-connection.js';

/** A hint as it travels between processes. */
interface Notice extends WakeHint {
  readonly sender: string;
}

const COALESCE_MS = 5;
const RECONNECT_MS = 1_000;
const FAREWELL_MS = 1_000;

/**
 * Nudges dispatchers in this process at once, and others by one NOTIFY every few milliseconds from a connection of its own: in the
 * caller's transaction it would cost more than a quarter of the commits. LISTEN needs a direct connection; behind PgBouncer alone
 * nothing arrives, and polling finds everything.
 */
export class PostgresWakeUps implements WakeUps {
  readonly #listeners = new Set<(hint: WakeHint) => void>();
  readonly #channel: string;
  readonly #pulse: string;
  /** Told with every NOTIFY: whoever is in this process has heard of it already. */
  readonly #sender = randomUUID();
  #pending: { lanes: Set<number>; action: boolean } | undefined;

  constructor(
    private readonly connection: PostgresConnection<never>,
    /** How to reach the server directly; `false` for polling only. */
    private readonly listenOptions: ClientConfig | false,
  ) {
    this.#channel = `waybill_${createHash('sha1').update(connection.schemaName).digest('hex').slice(0, 16)}`;
    // Rows are new when a position was drawn, or when a transaction that drew one has ended: until then it holds its lock on the table.
    // What others do in the database changes neither. The locks are looked at last: a position drawn before then is seen by its lock.
    this.#pulse = `
      with drawn as materialized (select case when is_called then last_value else 0 end as last_value from ${connection.schema}.outbox_position)
      select concat(drawn.last_value, '/', (
        select string_agg(virtualtransaction, ' ' order by virtualtransaction)
        from pg_locks
        where relation = '${connection.schema.replaceAll("'", "''")}.outbox'::regclass and database = (select oid from pg_database where datname = current_database())
          and mode = 'RowExclusiveLock' and drawn.last_value is not null
      )) as pulse
      from drawn`;
  }

  nudge(kind: WakeHint['kind'], streamHashes: readonly number[]): void {
    const lanes = streamHashes.map((hash) => laneOf(hash, this.connection.lanes));
    this.#tell({ kind, lanes });
    if (this.listenOptions === false) return;
    if (!this.#pending) systemClock.after(COALESCE_MS, () => this.#notify());
    this.#pending ??= { lanes: new Set(), action: false };
    for (const lane of lanes) this.#pending.lanes.add(lane);
    this.#pending.action ||= kind === 'action';
  }

  async listen(onHint: (hint: WakeHint) => void, signal: AbortSignal): Promise<void> {
    this.#listeners.add(onHint);
    try {
      if (this.listenOptions === false) await aborted(signal);
      else while (!signal.aborted) await this.#listenUntilLost(this.listenOptions, onHint, signal);
    } finally {
      this.#listeners.delete(onHint);
    }
  }

  async pulse(): Promise<string> {
    const [row] = await this.connection.query<{ pulse: string }>(this.#pulse);
    return row!.pulse;
  }

  #tell(hint: WakeHint): void {
    for (const listener of this.#listeners) listener(hint);
  }

  #notify(): void {
    const { lanes, action } = this.#pending!;
    this.#pending = undefined;
    const notice: Notice = { kind: action ? 'action' : 'committed', lanes: [...lanes], sender: this.#sender };
    // Only a hint: when it cannot be sent, polling finds what it would have told.
    this.connection.pool.query('select pg_notify($1::text, $2::text)', [this.#channel, JSON.stringify(notice)]).catch(() => {});
  }

  /** Resolves when the connection is gone, or closed because of the signal. */
  async #listenUntilLost(config: ClientConfig, onHint: (hint: WakeHint) => void, signal: AbortSignal): Promise<void> {
    const client = new Client(config);
    const lost = new Promise<void>((resolve) => {
      client.on('error', () => resolve());
      client.on('end', () => resolve());
    });
    client.on('notification', ({ payload }) => {
      const notice = noticeIn(payload);
      if (notice && notice.sender !== this.#sender) onHint({ kind: notice.kind, lanes: notice.lanes });
    });
    try {
      // Each wait ends with the signal: a server that has fallen silent must not hold up a stop.
      const listening = client.connect().then(() => client.query(`listen ${this.#channel}`));
      listening.catch(() => {}); // seen below, or of no interest after the signal
      await Promise.race([listening, aborted(signal)]);
      if (!signal.aborted) onHint({ kind: 'committed', lanes: [] }); // whatever was told while nobody listened
      await Promise.race([lost, aborted(signal)]);
    } catch {
      await delay(systemClock, RECONNECT_MS, signal);
    } finally {
      await Promise.race([client.end().catch(() => {}), delay(systemClock, FAREWELL_MS)]);
    }
  }
}

/** Anybody may notify on a channel: what is no notice of ours is nothing. */
function noticeIn(payload: string | undefined): Notice | undefined {
  try {
    const { sender, kind, lanes } = JSON.parse(payload ?? '') as Partial<Notice>;
    return typeof sender === 'string' && (kind === 'committed' || kind === 'action') && Array.isArray(lanes)
      ? { sender, kind, lanes }
      : undefined;
  } catch {
    return undefined;
  }
}
