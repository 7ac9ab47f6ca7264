import type { Document } from 'bson';
import { NEVER } from './cluster-time.js';
import type { Tick } from './cluster-time.js';
import type { Ending } from './ending.js';
import type { VersionState } from './isolation.js';

/** An open transaction, as far as its versions tell of it. */
export interface Writer {
  readonly ending: Ending;
}

/** One state of a document. Its `document` is never changed; undefined says that it was deleted. */
export class Version implements VersionState {
  constructor(
    readonly document: Document | undefined,
    public at: Tick,
    public writer: Writer | undefined,
    /** The state before; undefined also when nobody can ask for it any more. */
    public previous: Version | undefined,
  ) {}

  static committed(document: Document | undefined, at: Tick, previous: Version | undefined): Version {
    return new Version(document, at, undefined, previous);
  }

  static open(document: Document | undefined, writer: Writer, previous: Version | undefined): Version {
    return new Version(document, NEVER, writer, previous);
  }
}
