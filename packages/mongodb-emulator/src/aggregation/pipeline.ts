import type { Document } from 'bson';
import type { Variables } from '../query/variables.js';

/** Where `$lookup` and `$unionWith` find other collections of the same database. */
export interface Source {
  collection(name: string): Iterable<Document>;
  /** As `collection`, of the matching documents only; may use indexes. */
  find?(name: string, filter: Document, sort?: Document, limit?: number): Iterable<Document>;
}

/** @throws {@link ServerError} a stage is not valid, at once; or an expression fails, while the result is read */
export function runPipeline(
  _stages: readonly Document[],
  _input: Iterable<Document>,
  _source: Source,
  _variables: Variables,
): Iterable<Document> {
  throw new Error('not yet');
}
