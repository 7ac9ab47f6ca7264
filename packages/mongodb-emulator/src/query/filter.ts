import type { Document } from 'bson';
import type { Variables } from './variables.js';

export type { Variables } from './variables.js';

/** A filter, ready to be asked about many documents. */
export interface CompiledFilter {
  matches(document: Document): boolean;
  /** The place in an array that made a matching document match: what `$` stands for in an update. */
  arrayIndex?(document: Document): number | undefined;
}

/** @throws {@link ServerError} the filter is not valid */
export function compileFilter(_filter: Document, _variables: Variables): CompiledFilter {
  throw new Error('not yet');
}
