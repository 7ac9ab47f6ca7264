import type { Document } from 'bson';
import type { Variables } from '../query/variables.js';

/** An update, ready to be applied to many documents. */
export interface CompiledUpdate {
  /**
   * @param inserting - whether this is an upsert's insert: `$setOnInsert` takes part
   * @param arrayIndex - what `$` stands for, see {@link CompiledFilter.arrayIndex}
   * @returns a new document; the very same one if nothing changed
   */
  apply(document: Document, inserting: boolean, arrayIndex?: number): Document;
  /** Whether the document is replaced as a whole (all but its `_id`). */
  readonly replacement: boolean;
}

export interface UpdateOptions {
  readonly arrayFilters?: readonly Document[];
  readonly variables: Variables;
}

/** @throws {@link ServerError} the update is not valid */
export function compileUpdate(_u: Document | Document[], _options: UpdateOptions): CompiledUpdate {
  throw new Error('not yet');
}

/** @returns the document that an upsert starts from: what the filter says its fields equal */
export function upsertSeed(_filter: Document): Document {
  throw new Error('not yet');
}
