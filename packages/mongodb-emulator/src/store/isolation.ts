/** One state of a document: what isolation needs to know of it. */
export interface VersionState {
  /** The cluster time of its commit; infinite until then. */
  readonly at: number;
  /** The open transaction that wrote it; undefined once it is committed. */
  readonly writer: object | undefined;
}

/** Who reads or writes. */
export interface Reader {
  /** The cluster time of the snapshot; infinite outside transactions: whatever is committed by now. */
  readonly at: number;
  /** The transaction it belongs to; undefined for a plain command. */
  readonly writer: object | undefined;
}

/**
 * The rules that isolation consists of, in one place. Tests hand in subclasses that break one of them, to show that they would notice.
 */
export class Isolation {
  /** May this reader see this version? Its own writes, and what was committed up to its snapshot. */
  sees(reader: Reader, version: VersionState): boolean {
    return version.writer === undefined ? version.at <= reader.at : version.writer === reader.writer;
  }

  /** Does a write by this reader to a document whose newest version this is come second? The first writer wins. */
  conflicts(reader: Reader, newest: VersionState): boolean {
    return newest.writer === undefined ? newest.at > reader.at : newest.writer !== reader.writer;
  }

  /** The same for a version of another document that holds, or held, the key of a unique index that the writer wants. */
  conflictsAtKey(reader: Reader, newest: VersionState): boolean {
    return this.conflicts(reader, newest);
  }

  /** May a statement that comes again be answered from the record of its first run? */
  answersFromRecord(_statement: number): boolean {
    return true;
  }

  /** A transaction's writes in groups; each group becomes visible at once, one after the other. All of them are one group. */
  commitGroups<Write>(writes: readonly Write[]): readonly (readonly Write[])[] {
    return [writes];
  }
}
