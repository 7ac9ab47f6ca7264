/** A document of the model: its value, and its key in a unique index. */
export interface Row {
  readonly n: number;
  readonly key: number;
}

export type Outcome = 'done' | 'conflict' | 'duplicate';

interface Committed {
  readonly row: Row | undefined;
  readonly at: number;
}

/** A transaction of the model. Its snapshot is taken when it is made. */
export class ModelTransaction {
  readonly writes = new Map<number, Row | undefined>();

  constructor(
    readonly at: number,
    private readonly model: SnapshotModel,
  ) {}

  read(id: number): Row | undefined {
    return this.writes.has(id) ? this.writes.get(id) : this.model.committed(id, this.at);
  }

  readAll(): [number, Row][] {
    return this.model.ids.flatMap((id): [number, Row][] => {
      const row = this.read(id);
      return row ? [[id, row]] : [];
    });
  }

  /** How a write of this row may end. Where two answers are given, a server may find the one or the other first. */
  outcomesOf(id: number, row: Row | undefined, inserting = false): ReadonlySet<Outcome> {
    const outcomes = new Set<Outcome>();
    if (this.#isTakenDocument(id)) outcomes.add('conflict');
    if (inserting && this.read(id)) outcomes.add('duplicate');
    if (row && (inserting || this.read(id)?.key !== row.key)) {
      const holders = this.readAll().filter(([other, { key }]) => other !== id && key === row.key);
      if (holders.length > 0) outcomes.add('duplicate');
      if (holders.some(([other]) => this.#isTakenDocument(other))) outcomes.add('conflict');
      if (this.model.hasNewHolder(row.key, id, this)) outcomes.add('conflict');
      else if (outcomes.size === 0 && this.model.keyWasTouchedSince(row.key, this.at)) return new Set(['done', 'conflict']);
    }
    return outcomes.size === 0 ? new Set(['done']) : outcomes;
  }

  #isTakenDocument(id: number): boolean {
    return this.model.changedAt(id) > this.at || this.model.isWrittenByOther(id, this);
  }
}

/** Snapshot isolation with first writer wins, in as few words as possible: what a server's answers are compared with. */
export class SnapshotModel {
  readonly #versions = new Map<number, Committed[]>();
  readonly #open = new Set<ModelTransaction>();
  #now = 0;

  constructor(readonly ids: readonly number[]) {
    for (const id of ids) this.#versions.set(id, [{ row: undefined, at: 0 }]);
  }

  begin(): ModelTransaction {
    const transaction = new ModelTransaction(this.#now, this);
    this.#open.add(transaction);
    return transaction;
  }

  commit(transaction: ModelTransaction): void {
    this.#open.delete(transaction);
    this.#now += 1;
    for (const [id, row] of transaction.writes) this.#versions.get(id)!.push({ row, at: this.#now });
  }

  abort(transaction: ModelTransaction): void {
    this.#open.delete(transaction);
  }

  committed(id: number, at = Infinity): Row | undefined {
    return this.#versions.get(id)!.findLast((version) => version.at <= at)!.row;
  }

  changedAt(id: number): number {
    return this.#versions.get(id)!.at(-1)!.at;
  }

  isWrittenByOther(id: number, transaction?: ModelTransaction): boolean {
    return [...this.#open].some((other) => other !== transaction && other.writes.has(id));
  }

  /** Has another document got this key since the snapshot, by a commit or in an open transaction? */
  hasNewHolder(key: number, self: number, transaction: ModelTransaction): boolean {
    const committed = this.ids.some((id) => id !== self && this.committed(id)?.key === key && this.changedAt(id) > transaction.at);
    return (
      committed ||
      [...this.#open].some((other) => other !== transaction && [...other.writes].some(([id, row]) => id !== self && row?.key === key))
    );
  }

  keyWasTouchedSince(key: number, at: number): boolean {
    return [...this.#versions.values()].some((versions) => versions.some((version) => version.at > at && version.row?.key === key));
  }

  /** Would a write outside transactions have to wait for one of the open ones? */
  isInUse(id: number, key: number): boolean {
    return [...this.#open].some(({ writes }) =>
      [...writes].some(([other, row]) => other === id || row?.key === key || this.committed(other)?.key === key),
    );
  }
}
