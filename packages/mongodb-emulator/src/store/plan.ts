import { compareValues } from '../values/compare.js';
import type { CollectionIndex } from './collection-index.js';
import type { Collection } from './collection.js';
import type { IndexKey, KeyRange } from './key-range.js';
import type { StoredRecord } from './stored-record.js';

/** How the candidates of a filter are found. Every plan answers all records that could match, and some that do not. */
export type Plan = ByIds | ByIndex | ByBranches | ByCollection;

export interface ByIds {
  readonly by: 'ids';
  readonly ids: readonly unknown[];
}

export interface ByIndex {
  readonly by: 'index';
  readonly index: CollectionIndex;
  /** In the order in which they are read. */
  readonly ranges: readonly KeyRange[];
  readonly isBackward: boolean;
  /** The candidates come in the order that was asked for. */
  readonly isSorted: boolean;
}

export interface ByBranches {
  readonly by: 'branches';
  readonly branches: readonly (ByIds | ByIndex)[];
}

export interface ByCollection {
  readonly by: 'collection';
  readonly isBackward: boolean;
}

/** A record that may match, and the key that it was found by. */
export interface Candidate {
  readonly record: StoredRecord;
  readonly index?: CollectionIndex;
  readonly key?: IndexKey;
}

export function* candidatesOf(plan: Plan, collection: Collection): Generator<Candidate, void> {
  switch (plan.by) {
    case 'ids':
      yield* byIds(plan, collection);
      break;
    case 'index':
      yield* byIndex(plan);
      break;
    case 'branches':
      for (const branch of plan.branches) yield* candidatesOf(branch, collection);
      break;
    case 'collection':
      if (plan.isBackward) for (const record of [...collection.records()].reverse()) yield { record };
      else for (const record of collection.records()) yield { record };
  }
}

/** Whether a record can come more than once. */
export function mayRepeat(plan: Plan): boolean {
  return plan.by === 'branches' || (plan.by === 'index' && plan.index.isMultikey);
}

function* byIds({ ids }: ByIds, collection: Collection): Generator<Candidate, void> {
  const inOrder = ids.length > 1 ? [...ids].sort(compareValues) : ids;
  let last: StoredRecord | undefined;
  for (const id of inOrder) {
    const record = collection.recordOf(id);
    if (!record || record === last) continue;
    last = record;
    yield { record };
  }
}

function* byIndex({ index, ranges, isBackward }: ByIndex): Generator<Candidate, void> {
  for (const range of ranges) {
    for (const { key, record } of index.scan(range, isBackward)) yield { record, index, key };
  }
}
