import { Int32 } from 'bson';
import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { equalValues } from '../values/compare.js';
import { isTrue } from '../values/truth.js';

export interface IndexField {
  readonly path: string;
  readonly direction: 1 | -1;
}

/** What an index is: parsed once, shown by `listIndexes` as it was given. */
export interface IndexDefinition {
  readonly name: string;
  readonly key: Document;
  readonly fields: readonly IndexField[];
  readonly isUnique: boolean;
  readonly isSparse: boolean;
  readonly partialFilter: Document | undefined;
  readonly expireAfterSeconds: number | undefined;
  /** As `listIndexes` shows it. */
  readonly document: Document;
}

const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  ...['key', 'name', 'v', 'unique', 'sparse', 'partialFilterExpression', 'expireAfterSeconds'],
  ...['background', 'ns', 'collation', 'hidden', 'comment'],
]);

export const ID_INDEX: IndexDefinition = {
  name: '_id_',
  key: { _id: new Int32(1) },
  fields: [{ path: '_id', direction: 1 }],
  isUnique: true,
  isSparse: false,
  partialFilter: undefined,
  expireAfterSeconds: undefined,
  document: { v: new Int32(2), key: { _id: new Int32(1) }, name: '_id_' },
};

/** @throws ServerError it is not valid, or is a kind that this emulator does not have */
export function parseIndex(spec: Document): IndexDefinition {
  const unknown = Object.keys(spec).find((option) => !KNOWN_OPTIONS.has(option));
  if (unknown !== undefined) {
    throw new ServerError(197, `The field '${unknown}' is not valid for an index specification, or not known by this emulator`);
  }
  const { key, name, collation, partialFilterExpression } = spec;
  if (typeof name !== 'string' || name === '')
    throw new ServerError(CODES.FailedToParse, "The 'name' field is a required property of an index specification");
  if (collation !== undefined && (collation as Document).locale !== 'simple') {
    throw new ServerError(CODES.CannotCreateIndex, 'This emulator knows no collation but { locale: "simple" }');
  }
  const { ns: _ns, background: _background, comment: _comment, v: _v, key: _key, name: _name, ...options } = spec;
  return {
    name,
    key: key as Document,
    fields: fieldsOf(key),
    isUnique: isTrue(spec.unique),
    isSparse: isTrue(spec.sparse),
    partialFilter: partialFilterExpression as Document | undefined,
    expireAfterSeconds: spec.expireAfterSeconds === undefined ? undefined : Number(spec.expireAfterSeconds),
    document: { v: new Int32(2), key: key as Document, name, ...options },
  };
}

/** Whether both do the same, apart from their names. */
export function isSameIndex(one: IndexDefinition, other: IndexDefinition): boolean {
  return (
    isSameKey(one.key, other.key) &&
    one.isUnique === other.isUnique &&
    one.isSparse === other.isSparse &&
    one.expireAfterSeconds === other.expireAfterSeconds &&
    isSameFilter(one.partialFilter, other.partialFilter)
  );
}

/** Field by field, in order. */
export function isSameKey(one: Document, other: Document): boolean {
  return equalValues(one, other);
}

function isSameFilter(one: Document | undefined, other: Document | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && equalValues(one, other));
}

function fieldsOf(key: unknown): readonly IndexField[] {
  const fields = Object.entries((key ?? {}) as Document);
  if (fields.length === 0) throw new ServerError(CODES.CannotCreateIndex, 'Index keys cannot be empty.');
  return fields.map(([path, kind]) => {
    const direction = Number(kind);
    if (typeof kind === 'string' || Number.isNaN(direction) || direction === 0 || path.includes('$**')) {
      throw new ServerError(
        CODES.CannotCreateIndex,
        `This emulator knows ascending and descending indexes only, not { ${path}: ${String(kind)} }`,
      );
    }
    return { path, direction: direction > 0 ? 1 : -1 };
  });
}
