import type { Document } from 'bson';

/** Reads documents and gives documents, as they are asked for. */
export type Stage = (input: Iterable<Document>) => Iterable<Document>;

/** Where `$lookup` and `$unionWith` find other collections of the same database. */
export interface Source {
  collection(name: string): Iterable<Document>;
  /** As `collection`, of the matching documents only; may use indexes. */
  find?(name: string, filter: Document, sort?: Document, limit?: number): Iterable<Document>;
}
