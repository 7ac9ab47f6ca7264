import { Double, Int32 } from 'bson';
import type { Document } from 'bson';
import { boundsOf, implies } from '../query/bounds.js';
import type { Bound } from '../query/bounds.js';
import { CODES, ServerError } from '../server-error.js';
import { toNumber } from '../values/number.js';
import type { CollectionIndex } from './collection-index.js';
import type { Collection } from './collection.js';
import { isSameKey } from './index-definition.js';
import { constraintsOf } from './constraints.js';
import type { Constraints } from './constraints.js';
import { rangesOf } from './index-ranges.js';
import type { ByIds, ByIndex, Plan } from './plan.js';

export interface Query {
  readonly filter: Document;
  readonly sort?: Document | undefined;
  readonly hint?: unknown;
  readonly isLimited?: boolean;
}

interface Candidate {
  readonly plan: ByIndex;
  readonly merit: number;
}

const COLLECTION: Plan = { by: 'collection', isBackward: false };

/**
 * Chooses how to find what a query wants. The server tries plans against each other; this goes by rank: an equality on `_id`, then the index
 * that pins down most fields, a sort that need not be done counting less than a field. Between equals the shorter range wins.
 */
export function planFor(collection: Collection, query: Query): Plan {
  const { hint } = query;
  const natural = directionOf(hint) ?? directionOf(query.sort);
  if (natural !== undefined) return { by: 'collection', isBackward: natural < 0 };
  const { all, or } = boundsOf(query.filter);
  const constraints = constraintsOf(all);
  if (hint !== undefined) return byHint(collection, query, constraints);
  const ids = constraints.get('_id')?.equals;
  if (ids) return { by: 'ids', ids };
  return bestIndex(collection, query, constraints) ?? byBranches(collection, query, or) ?? COLLECTION;
}

function byHint(collection: Collection, query: Query, constraints: Constraints): Plan {
  const { hint } = query;
  const index = collection.indexes.find(({ definition }) =>
    typeof hint === 'string' ? definition.name === hint : isSameKey(definition.key, hint as Document),
  );
  if (!index) {
    throw new ServerError(
      CODES.BadValue,
      'error processing query: planner returned error :: caused by :: hint provided does not correspond to an existing index',
    );
  }
  const plan = candidate(index, query, constraints)?.plan ?? {
    by: 'index',
    index,
    ranges: [{ prefix: [] }],
    isBackward: false,
    isSorted: false,
  };
  // A hinted index that leaves documents out makes the server leave them out as well, if it is sparse; a partial one it refuses.
  const { partialFilter } = index.definition;
  if (partialFilter && !implies(query.filter, partialFilter)) {
    throw new ServerError(CODES.BadValue, 'error processing query: planner returned error :: caused by :: No query solutions');
  }
  return plan;
}

function bestIndex(collection: Collection, query: Query, constraints: Constraints): ByIndex | undefined {
  let best: Candidate | undefined;
  for (const index of collection.indexes) {
    if (!isUsable(index, query.filter, constraints)) continue;
    const found = candidate(index, query, constraints);
    if (!found || found.merit === 0) continue;
    if (!best || found.merit > best.merit || (found.merit === best.merit && costOf(found.plan) < costOf(best.plan))) best = found;
  }
  return best?.plan;
}

function byBranches(collection: Collection, { filter }: Query, or: readonly (readonly Bound[])[]): Plan | undefined {
  if (or.length === 0) return undefined;
  const branches: (ByIds | ByIndex)[] = [];
  for (const bounds of or) {
    const constraints = constraintsOf(bounds);
    const ids = constraints.get('_id')?.equals;
    const branch = ids ? ({ by: 'ids', ids } as const) : bestIndex(collection, { filter }, constraints);
    if (!branch) return undefined;
    branches.push(branch);
  }
  return { by: 'branches', branches };
}

function candidate(index: CollectionIndex, { sort, isLimited = false }: Query, constraints: Constraints): Candidate | undefined {
  const { ranges, equalities, hasRange, isBackward, isSorted } = rangesOf(index, constraints, sort);
  const merit = equalities + (hasRange ? 0.5 : 0) + (isSorted && sort ? (isLimited ? 0.75 : 0.4) : 0);
  return { plan: { by: 'index', index, ranges, isBackward, isSorted }, merit };
}

/** An index that leaves documents out is of use only where none of these could match. */
function isUsable({ definition }: CollectionIndex, filter: Document, constraints: Constraints): boolean {
  const { partialFilter, isSparse, fields } = definition;
  if (partialFilter && !implies(filter, partialFilter)) return false;
  return !isSparse || fields.some(({ path }) => constraints.get(path)?.needsValue === true);
}

function costOf({ index, ranges }: ByIndex): number {
  return ranges.reduce((sum, range) => sum + index.estimate(range), 0);
}

function directionOf(sort: unknown): number | undefined {
  const natural = (sort as Document | undefined)?.$natural as unknown;
  if (typeof natural === 'number') return natural;
  return natural instanceof Int32 || natural instanceof Double ? toNumber(natural) : undefined;
}
