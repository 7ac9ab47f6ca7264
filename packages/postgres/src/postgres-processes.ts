import type {
  DueTimeout,
  ProcessKey,
  ProcessLine,
  ProcessQuery,
  ProcessStatus,
  ProcessStore,
  RemoveProcessesOptions,
  StoredProcess,
  StoredStep,
  TimeoutNames,
  TimeoutToSet,
} from '@waybill/core';
import { plainJson, plainText } from './plain-text.js';
import type { PostgresConnection } from './postgres-connection.js';

interface ProcessColumns {
  readonly process: string;
  readonly key: string;
  readonly status: ProcessStatus;
  readonly reason: string | null;
  readonly state: string;
  readonly schema_version: string;
  readonly steps: string;
  readonly correlation_id: string;
  readonly started_ms: string;
  readonly changed_ms: string;
}

const COLUMNS = `process, key, status, reason, state::text as state, schema_version::text as schema_version, steps::text as steps, correlation_id,
  (extract(epoch from started_at) * 1000)::bigint::text as started_ms, (extract(epoch from changed_at) * 1000)::bigint::text as changed_ms`;

/** A process is a row, which whoever works on it locks until its transaction ends; so is each of its time-outs. */
export class PostgresProcesses<Tx> implements ProcessStore<Tx> {
  constructor(private readonly connection: PostgresConnection<Tx>) {}

  async lock({ process, key }: ProcessKey, tx: Tx): Promise<StoredProcess | undefined> {
    const text = `select ${COLUMNS} from ${this.connection.schema}.lock_process($1::text, $2::text)`;
    const [row] = await this.connection.queryIn<ProcessColumns>(tx, text, [process, key]);
    return row && processOf(row);
  }

  async save({ process, key, status, reason, state, schemaVersion, steps, correlationId }: StoredProcess, tx: Tx): Promise<void> {
    await this.connection.queryIn(
      tx,
      `
      insert into ${this.connection.schema}.process (process, key, status, reason, state, schema_version, steps, correlation_id, step_states)
      values ($1::text, $2::text, $3::text, $4::text, $5::text::json, $6::text::integer, $7::text::json, $8::text, array(select json_array_elements_text($9::text::json)))
      on conflict (process, key) do update
      set status = excluded.status, reason = excluded.reason, state = excluded.state, schema_version = excluded.schema_version, steps = excluded.steps,
        correlation_id = excluded.correlation_id, step_states = excluded.step_states, changed_at = excluded.changed_at`,
      [
        ...[process, key, status, reason === undefined ? null : plainText(reason), state, String(schemaVersion), plainJson(steps)],
        ...[correlationId, JSON.stringify([...new Set(steps.map((step) => step.state))])],
      ],
    );
  }

  async schedule({ process, key, timeout, id, afterMs }: TimeoutToSet, tx: Tx): Promise<void> {
    await this.connection.queryIn(
      tx,
      `
      insert into ${this.connection.schema}.process_timeout (process, key, timeout, id, due_at)
      values ($1::text, $2::text, $3::text, $4::text, clock_timestamp() + $5::text::double precision * interval '1 millisecond')
      on conflict (process, key, timeout) do update set id = excluded.id, due_at = excluded.due_at`,
      [process, key, timeout, id, String(afterMs)],
    );
  }

  async cancel({ process, key }: ProcessKey, timeout: string | undefined, tx: Tx): Promise<void> {
    const text = `delete from ${this.connection.schema}.process_timeout where process = $1::text and key = $2::text and timeout = coalesce($3::text, timeout)`;
    await this.connection.queryIn(tx, text, [process, key, timeout ?? null]);
  }

  async due(
    processes: readonly string[],
    most: number,
    { prefix = '', without = false }: Partial<TimeoutNames> = {},
  ): Promise<readonly DueTimeout[]> {
    const rows = await this.connection.query<{ process: string; key: string; timeout: string; id: string; due_ms: string }>(
      `
      select process, key, timeout, id, (extract(epoch from due_at) * 1000)::bigint::text as due_ms
      from ${this.connection.schema}.process_timeout
      where process = any (array(select json_array_elements_text($1::text::json))) and due_at <= clock_timestamp()
        and starts_with(timeout, $3::text) <> $4::text::boolean
      order by due_at
      limit $2::text::integer`,
      [JSON.stringify(processes), String(most), prefix, String(without)],
    );
    return rows.map(({ due_ms, ...due }) => ({ ...due, dueAt: new Date(Number(due_ms)) }));
  }

  async take({ process, key, timeout, id }: DueTimeout, tx: Tx): Promise<boolean> {
    const taken = await this.connection.queryIn(
      tx,
      `delete from ${this.connection.schema}.process_timeout where process = $1::text and key = $2::text and timeout = $3::text and id = $4::text returning id`,
      [process, key, timeout, id],
    );
    return taken.length > 0;
  }

  async find({ process, key, status, step, most }: ProcessQuery): Promise<readonly ProcessLine[]> {
    const rows = await this.connection.query<ProcessColumns>(
      `
      select ${COLUMNS}
      from ${this.connection.schema}.process
      where ($2::text is null or process = $2::text) and ($3::text is null or key = $3::text) and ($4::text is null or status = $4::text)
        and ($5::text is null or $5::text = any (step_states))
      order by changed_at
      limit $1::text::integer`,
      [String(most), process, key, status, step],
    );
    return rows.map((row) => ({
      ...processOf(row),
      startedAt: new Date(Number(row.started_ms)),
      changedAt: new Date(Number(row.changed_ms)),
    }));
  }

  async names(): Promise<readonly string[]> {
    const rows = await this.connection.query<{ process: string }>(
      `select distinct process from ${this.connection.schema}.process where status in ('running', 'compensating') order by process`,
    );
    return rows.map(({ process }) => process);
  }

  async remove(options: RemoveProcessesOptions): Promise<number> {
    const { schema } = this.connection;
    const [answer] = await this.connection.query<{ removed: string }>(
      `
      with gone as (
        delete from ${schema}.process as p
        where p.ctid = any (array(
          select o.ctid
          from ${schema}.process as o
          where o.process = $1::text and o.status in ('completed', 'compensated')
            and o.changed_at <= clock_timestamp() - $2::text::double precision * interval '1 millisecond'
          order by o.changed_at
          limit $3::text::integer
          for update skip locked
        ))
        returning p.process, p.key
      ), timeouts as (
        delete from ${schema}.process_timeout as t using gone where t.process = gone.process and t.key = gone.key
      )
      select count(*)::text as removed from gone`,
      [options.process, String(options.olderThanMs), String(options.most)],
    );
    return Number(answer!.removed);
  }
}

const processOf = (row: ProcessColumns): StoredProcess => ({
  ...{ process: row.process, key: row.key, status: row.status, reason: row.reason ?? undefined, state: row.state },
  ...{
    schemaVersion: Number(row.schema_version),
    steps: JSON.parse(row.steps) as readonly StoredStep[],
    correlationId: row.correlation_id,
  },
});
