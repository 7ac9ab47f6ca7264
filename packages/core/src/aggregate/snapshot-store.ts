/** An aggregate's state at a revision, so that loading need not replay what came before. */
export interface Snapshot {
  readonly stream: string;
  /** Of the state's shape, chosen by the aggregate: another version is not loaded. */
  readonly version: number;
  readonly revision: bigint;
  /** JSON text. */
  readonly state: string;
}

/** Keeps at most one snapshot a stream and version. Losing them costs time, never correctness. */
export interface SnapshotStore<Tx> {
  load(stream: string, version: number, tx: Tx): Promise<Snapshot | undefined>;

  /** Replaces an older one; a newer one stays. */
  save(snapshot: Snapshot, tx: Tx): Promise<void>;
}
