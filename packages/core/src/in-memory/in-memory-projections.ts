import { InvalidOptionsError } from '../errors.js';
import type { ProjectionStore, StoredProjection } from '../projection/projection-store.js';
import type { InMemoryState } from './in-memory-state.js';
import { InMemoryTable } from './in-memory-table.js';
import type { InMemoryTransactions, InMemoryTx } from './in-memory-transactions.js';

interface ProjectionRow extends StoredProjection {
  /** The highest generation that was ever begun. */
  readonly last: number;
}

export class InMemoryProjections implements ProjectionStore<InMemoryTx> {
  readonly #rows: InMemoryTable<ProjectionRow>;

  constructor(
    private readonly state: InMemoryState,
    private readonly transactions: InMemoryTransactions,
  ) {
    this.#rows = new InMemoryTable('projection', transactions);
  }

  register(projection: string): Promise<StoredProjection> {
    return this.transactions.run(async (tx) => {
      const known = await this.#rows.locked(projection, tx);
      const row = known ?? { projection, live: 1, rebuilding: undefined, switchedAt: undefined, last: 1 };
      if (!known) this.#rows.set(projection, row, tx);
      return storedOf(row);
    });
  }

  find(projection: string, tx?: InMemoryTx): Promise<StoredProjection | undefined> {
    const row = this.#rows.get(projection, tx);
    return Promise.resolve(row && storedOf(row));
  }

  all(): Promise<readonly StoredProjection[]> {
    return Promise.resolve(this.#rows.all().map(storedOf));
  }

  beginRebuild(projection: string): Promise<StoredProjection> {
    return this.transactions.run(async (tx) => {
      const row = await this.#rows.locked(projection, tx);
      if (!row) throw new InvalidOptionsError(`Projection "${projection}" is not known: register it before it is built anew.`);
      if (row.rebuilding !== undefined) return storedOf(row);
      const begun = { ...row, rebuilding: row.last + 1, last: row.last + 1 };
      this.#rows.set(projection, begun, tx);
      return storedOf(begun);
    });
  }

  switchTo(projection: string, generation: number, tx: InMemoryTx): Promise<boolean> {
    return this.#end(projection, generation, { live: generation, switchedAt: this.state.clock.now() }, tx);
  }

  abandon(projection: string, generation: number, tx: InMemoryTx): Promise<boolean> {
    return this.#end(projection, generation, {}, tx);
  }

  async #end(projection: string, generation: number, changed: Partial<StoredProjection>, tx: InMemoryTx): Promise<boolean> {
    const row = await this.#rows.locked(projection, tx);
    if (row?.rebuilding !== generation) return false;
    this.#rows.set(projection, { ...row, ...changed, rebuilding: undefined }, tx);
    return true;
  }
}

const storedOf = ({ last: _last, ...stored }: ProjectionRow): StoredProjection => stored;
