import type { Document } from 'bson';
import type { Variables } from '../query/variables.js';

/** An update, ready to be applied to many documents. */
export interface CompiledUpdate {
  /**
   * @param inserting - whether this is an upsert's insert: `$setOnInsert` takes part
   * @param arrayIndex - what `$` stands for, see `CompiledFilter.arrayIndex`
   * @returns a new document; the very same one if nothing changed
   * @throws {@link ServerError} the update cannot be applied to this document
   */
  apply(document: Document, inserting: boolean, arrayIndex?: number): Document;
  /** Whether the document is replaced as a whole (all but its `_id`). */
  readonly replacement: boolean;
}

export interface UpdateOptions {
  readonly arrayFilters?: readonly Document[] | undefined;
  readonly variables: Variables;
}
