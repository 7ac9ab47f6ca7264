import type { Document } from 'bson';
import type { Variables } from '../query/variables.js';
import { compileFilter } from '../query/filter.js';
import { CODES, ServerError } from '../server-error.js';

/** Tells which elements `$[id]` stands for. */
export type ElementTest = (element: unknown) => boolean;

/** @throws {@link ServerError} a filter names no identifier, several, or one that another names */
export function compileArrayFilters(filters: readonly Document[], variables: Variables): ReadonlyMap<string, ElementTest> {
  const tests = new Map<string, ElementTest>();
  for (const filter of filters) {
    const id = identifierOf(filter);
    if (tests.has(id)) throw new ServerError(CODES.FailedToParse, `Found multiple array filters with the same top-level field name ${id}`);
    const { matches } = compileFilter(filter, variables);
    tests.set(id, (element) => matches({ [id]: element }));
  }
  return tests;
}

function identifierOf(filter: Document): string {
  const names = [...new Set(namesIn(filter))];
  const [id, other] = names;
  if (id === undefined)
    throw new ServerError(CODES.FailedToParse, 'Cannot use an expression without a top-level field name in arrayFilters');
  if (other !== undefined) {
    throw new ServerError(
      CODES.FailedToParse,
      `Error parsing array filter :: caused by :: Expected a single top-level field name, found '${id}' and '${other}'`,
    );
  }
  if (/^[a-z][a-zA-Z0-9]*$/.test(id)) return id;
  throw new ServerError(
    CODES.BadValue,
    `Error parsing array filter :: caused by :: The top-level field name must be an alphanumeric string beginning with a lowercase letter, found '${id}'`,
  );
}

function namesIn(filter: Document): readonly string[] {
  return Object.entries(filter).flatMap(([name, value]: [string, unknown]) => {
    if (!name.startsWith('$')) return [name.split('.')[0]!];
    return Array.isArray(value) ? value.flatMap((part) => namesIn(part as Document)) : [];
  });
}
