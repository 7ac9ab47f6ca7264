import type { Document } from 'bson';
import type { Tick } from './cluster-time.js';
import type { Isolation, Reader } from './isolation.js';
import type { Version } from './version.js';

/** A document with its states, the newest first. */
export class StoredRecord {
  newest: Version | undefined;

  constructor(
    /** Grows with every record of the collection: keeps equal index keys apart. */
    readonly number: number,
    /** What `_id` is found by. */
    readonly key: string,
  ) {}

  /** The state that this reader sees; undefined if the document is not there for it. */
  seenBy(reader: Reader, isolation: Isolation): Document | undefined {
    for (let version = this.newest; version; version = version.previous) {
      if (isolation.sees(reader, version)) return version.document;
    }
    return undefined;
  }

  *versions(): Generator<Version, void> {
    for (let version = this.newest; version; version = version.previous) yield version;
  }

  /** Forgets the states that no snapshot from `oldest` on can see, and answers them. */
  trim(oldest: Tick): readonly Version[] {
    for (let version = this.newest; version; version = version.previous) {
      if (version.writer !== undefined || version.at > oldest) continue;
      return this.#cutBehind(version);
    }
    return [];
  }

  /** Takes one state out, wherever it is. */
  remove(version: Version): void {
    if (this.newest === version) {
      this.newest = version.previous;
      return;
    }
    for (let newer = this.newest; newer; newer = newer.previous) {
      if (newer.previous === version) newer.previous = version.previous;
    }
  }

  #cutBehind(last: Version): readonly Version[] {
    const forgotten: Version[] = [];
    for (let version = last.previous; version; version = version.previous) forgotten.push(version);
    last.previous = undefined;
    return forgotten;
  }
}
