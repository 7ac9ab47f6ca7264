import type { Document } from 'bson';
import { describeUpdate } from './update-description.js';
import type { UpdateDescription } from './update-description.js';

export type OperationKind = 'insert' | 'update' | 'replace' | 'delete' | 'drop' | 'dropDatabase' | 'create';

/** One change, as change streams report it and as a fall-back undoes it. Documents are immutable. */
export class Operation {
  readonly kind: OperationKind;
  readonly db: string;
  /** Empty for `dropDatabase`. */
  readonly collection: string;
  /** `{ _id }` of the document; undefined where no document is concerned. */
  readonly key: Document | undefined;
  readonly before: Document | undefined;
  readonly after: Document | undefined;
  #description: UpdateDescription | undefined;

  constructor(parts: {
    readonly kind: OperationKind;
    readonly db: string;
    readonly collection: string;
    readonly key?: Document | undefined;
    readonly before?: Document | undefined;
    readonly after?: Document | undefined;
  }) {
    this.kind = parts.kind;
    this.db = parts.db;
    this.collection = parts.collection;
    this.key = parts.key;
    this.before = parts.before;
    this.after = parts.after;
  }

  /** What an update changed; undefined for the other kinds. Found out when somebody asks. */
  get updateDescription(): UpdateDescription | undefined {
    if (this.kind !== 'update' || !this.before || !this.after) return undefined;
    return (this.#description ??= describeUpdate(this.before, this.after));
  }
}
