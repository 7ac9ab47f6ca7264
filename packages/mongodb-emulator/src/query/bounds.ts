import type { Document } from 'bson';

/** What every match has at one path. A range speaks of values of the same kind as its ends only. */
export interface Bound {
  readonly path: string;
  /** `$eq` or `$in`: one of these. */
  readonly equals?: readonly unknown[];
  readonly lower?: { readonly value: unknown; readonly inclusive: boolean };
  readonly upper?: { readonly value: unknown; readonly inclusive: boolean };
  readonly exists?: boolean;
}

/** What an index can use of a filter: necessary conditions, never sufficient ones. The filter itself decides. */
export interface Bounds {
  /** All of these hold for every match. */
  readonly all: readonly Bound[];
  /** If not empty: at least one of these branches holds, all of its bounds. */
  readonly or: readonly (readonly Bound[])[];
}

export function boundsOf(_filter: Document): Bounds {
  throw new Error('not yet');
}

/** @returns whether every match of `filter` surely is one of `partial`; `false` when in doubt */
export function implies(_filter: Document, _partial: Document): boolean {
  throw new Error('not yet');
}
