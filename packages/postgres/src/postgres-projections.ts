import { InvalidOptionsError } from '@waybill/core';
import type { ProjectionStore, StoredProjection } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';

interface ProjectionColumns {
  readonly projection: string;
  readonly live: string;
  readonly rebuilding: string | null;
  readonly switched_ms: string | null;
}

const COLUMNS = `projection, live::text as live, rebuilding::text as rebuilding, (extract(epoch from switched_at) * 1000)::bigint::text as switched_ms`;

/** A projection is a row: the generation that is read, and the one that is built. */
export class PostgresProjections<Tx> implements ProjectionStore<Tx> {
  readonly #table: string;

  constructor(private readonly connection: PostgresConnection<Tx>) {
    this.#table = `${connection.schema}.projection`;
  }

  async register(projection: string): Promise<StoredProjection> {
    const [made] = await this.connection.query<ProjectionColumns>(
      `insert into ${this.#table} (projection) values ($1::text) on conflict do nothing returning ${COLUMNS}`,
      [projection],
    );
    return made ? projectionOf(made) : (await this.find(projection))!; // nothing takes one away
  }

  async find(projection: string, tx?: NoInfer<Tx>): Promise<StoredProjection | undefined> {
    const text = `select ${COLUMNS} from ${this.#table} where projection = $1::text`;
    const [row] = await (tx === undefined
      ? this.connection.query<ProjectionColumns>(text, [projection])
      : this.connection.queryIn<ProjectionColumns>(tx, text, [projection]));
    return row && projectionOf(row);
  }

  async all(): Promise<readonly StoredProjection[]> {
    const rows = await this.connection.query<ProjectionColumns>(`select ${COLUMNS} from ${this.#table} as p order by p.projection`);
    return rows.map(projectionOf);
  }

  async beginRebuild(projection: string): Promise<StoredProjection> {
    const [row] = await this.connection.query<ProjectionColumns>(
      `
      update ${this.#table}
      set rebuilding = coalesce(rebuilding, last_generation + 1), last_generation = coalesce(rebuilding, last_generation + 1)
      where projection = $1::text
      returning ${COLUMNS}`,
      [projection],
    );
    if (!row) throw new InvalidOptionsError(`Projection "${projection}" is not known: register it before it is built anew.`);
    return projectionOf(row);
  }

  switchTo(projection: string, generation: number, tx: Tx): Promise<boolean> {
    return this.#end(projection, generation, 'live = rebuilding, switched_at = clock_timestamp(), rebuilding = null', tx);
  }

  abandon(projection: string, generation: number, tx: Tx): Promise<boolean> {
    return this.#end(projection, generation, 'rebuilding = null', tx);
  }

  async #end(projection: string, generation: number, changes: string, tx: Tx): Promise<boolean> {
    const ended = await this.connection.queryIn(
      tx,
      `update ${this.#table} set ${changes} where projection = $1::text and rebuilding = $2::text::integer returning projection`,
      [projection, String(generation)],
    );
    return ended.length > 0;
  }
}

const projectionOf = ({ projection, live, rebuilding, switched_ms }: ProjectionColumns): StoredProjection => ({
  projection,
  live: Number(live),
  rebuilding: rebuilding === null ? undefined : Number(rebuilding),
  switchedAt: switched_ms === null ? undefined : new Date(Number(switched_ms)),
});
