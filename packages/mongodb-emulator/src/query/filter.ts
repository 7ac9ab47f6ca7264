import type { Document } from 'bson';
import { documentTestOf } from './filter-parser.js';
import type { MatchDetails } from './match.js';
import type { Variables } from './variables.js';

export type { Variables } from './variables.js';

/** A filter, ready to be asked about many documents. */
export interface CompiledFilter {
  matches(document: Document): boolean;
  /** The place in an array that made a matching document match: what `$` stands for in an update. */
  arrayIndex(document: Document): number | undefined;
}

/** @throws {@link ServerError} the filter is not valid */
export function compileFilter(filter: Document, variables: Variables): CompiledFilter {
  const test = documentTestOf(filter, variables);
  return {
    matches: (document) => test(document),
    arrayIndex(document) {
      const details: MatchDetails = {};
      return test(document, details) ? details.index : undefined;
    },
  };
}
