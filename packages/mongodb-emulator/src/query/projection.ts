import type { Document } from 'bson';
import type { Variables } from './variables.js';

/** @throws {@link ServerError} the projection is not valid */
export function compileProjection(_fields: Document, _variables: Variables): (document: Document) => Document {
  throw new Error('not yet');
}
