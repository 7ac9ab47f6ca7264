import type { Document } from 'bson';
import { boundVariables, compileExpression } from '../aggregation/expression.js';
import { ServerError } from '../server-error.js';
import { bsonTypeOf, isDocument, isList } from '../values/bson-type.js';
import { numberTypeOf, toInteger } from '../values/number.js';
import { isTrue } from '../values/truth.js';
import { checkFieldPath } from './field-path.js';
import type { CompiledFilter } from './filter.js';
import { compileFilter } from './filter.js';
import type { Branch, Leaf } from './projection-tree.js';
import { compute, hasComputed, newBranch, plant, prune } from './projection-tree.js';
import type { Variables } from './variables.js';

export interface ProjectionOptions {
  readonly variables: Variables;
  /** A stage's projection has no `$slice` of its own, no `$elemMatch` and no positional `$`. */
  readonly inStage: boolean;
  /** The query, whose match the positional `$` stands for. */
  readonly filter?: CompiledFilter | undefined;
}

/**
 * The projection of `find` and `findAndModify`.
 *
 * @param filter - the query, if the projection may name its match: `{ 'array.$': 1 }`
 * @throws {@link ServerError} the projection is not valid
 */
export function compileProjection(fields: Document, variables: Variables, filter?: CompiledFilter): (document: Document) => Document {
  if (Object.keys(fields).length === 0) return (document) => document;
  return projectionOf(fields, { variables, inStage: false, filter });
}

/** @throws {@link ServerError} the projection is not valid */
export function projectionOf(fields: Document, options: ProjectionOptions): (document: Document) => Document {
  const { root, including, keepsId } = parse(fields, options);
  const bound = boundVariables(options.variables);
  const computes = hasComputed(root);
  if (including && keepsId && !root.fields.has('_id')) root.fields.set('_id', { kind: 'include' });
  return (document) => {
    const kept = prune(root, document, !including);
    return computes ? compute(root, kept, { root: document, variables: bound }) : kept;
  };
}

/** `$addFields`: every value is an expression, documents are entered. */
export function additionOf(fields: Document, variables: Variables): (document: Document) => Document {
  const root = newBranch();
  for (const [path, value] of Object.entries(fields) as [string, unknown][]) addComputed(root, checkFieldPath(path), value, variables);
  const bound = boundVariables(variables);
  return (document) => compute(root, document, { root: document, variables: bound });
}

interface Parsed {
  readonly root: Branch;
  readonly including: boolean;
  readonly keepsId: boolean;
}

interface Planted {
  readonly path: string;
  readonly leaf: Leaf;
}

function parse(fields: Document, options: ProjectionOptions): Parsed {
  const planted = Object.entries(fields).flatMap(([path, value]: [string, unknown]) => leavesOf(path, value, options));
  const others = planted.filter(({ path }) => path !== '_id');
  const own = planted.find(({ path }) => path === '_id');
  const includes = others.find(({ leaf }) => leaf.kind === 'include');
  const excludes = others.find(({ leaf }) => leaf.kind === 'exclude');
  if (includes && excludes) throw mixture(others, includes, excludes);
  const computes = planted.some(({ leaf }) => leaf.kind === 'computed');
  const including =
    includes !== undefined || (excludes === undefined && (computes || own?.leaf.kind === 'include' || hasElemMatch(fields)));
  if (!including && computes) throw new ServerError(31252, 'Cannot use an expression in an exclusion projection');
  const root = newBranch();
  for (const { path, leaf } of planted) {
    if (path === '_id' && leaf.kind === (including ? 'exclude' : 'include')) continue;
    plant(root, path, leaf);
  }
  return { root, including, keepsId: own?.leaf.kind !== 'exclude' };
}

function mixture(planted: readonly Planted[], includes: Planted, excludes: Planted): ServerError {
  if (planted.indexOf(includes) > planted.indexOf(excludes)) {
    return new ServerError(31253, `Cannot do inclusion on field ${includes.path} in exclusion projection`);
  }
  return new ServerError(31254, `Cannot do exclusion on field ${excludes.path} in inclusion projection`);
}

function hasElemMatch(fields: Document): boolean {
  return Object.entries(fields).some(
    ([path, value]: [string, unknown]) => path.endsWith('.$') || (isDocument(value) && '$elemMatch' in value),
  );
}

function leavesOf(path: string, value: unknown, options: ProjectionOptions): readonly Planted[] {
  if (!options.inStage && path.endsWith('.$')) return [{ path: path.slice(0, -2), leaf: positional(options) }];
  checkFieldPath(path);
  if (typeof value === 'boolean' || numberTypeOf(value) !== undefined)
    return [{ path, leaf: { kind: isTrue(value) ? 'include' : 'exclude' } }];
  if (!isDocument(value)) return [{ path, leaf: computed(value, options) }];
  const names = Object.keys(value);
  if (names.length === 0) {
    throw new ServerError(51270, `An empty sub-projection is not a valid value. Found empty object at path`);
  }
  if (names[0]!.startsWith('$')) return [{ path, leaf: operatorLeaf(names[0]!, value, options) }];
  return names.flatMap((name) => leavesOf(`${path}.${name}`, value[name], options));
}

function operatorLeaf(name: string, value: Document, options: ProjectionOptions): Leaf {
  const operand: unknown = value[name];
  if (!options.inStage && name === '$slice' && isFindSlice(operand)) return { kind: 'present', change: sliceOf(operand) };
  if (!options.inStage && name === '$elemMatch') return { kind: 'present', change: elementMatching(operand, options.variables) };
  return computed(value, options);
}

function computed(expression: unknown, { variables }: ProjectionOptions): Leaf {
  return { kind: 'computed', evaluate: inProjection(expression, variables) };
}

/** An expression operator that nobody knows has a code of its own where a projection is expected. */
function inProjection(expression: unknown, variables: Variables): ReturnType<typeof compileExpression> {
  try {
    return compileExpression(expression, variables);
  } catch (error) {
    const name = isDocument(expression) ? Object.keys(expression)[0] : undefined;
    if (!(error instanceof ServerError) || error.message !== `Unrecognized expression '${name ?? ''}'`) throw error;
    throw new ServerError(31325, `Unknown expression ${name ?? ''}`);
  }
}

function addComputed(root: Branch, path: string, value: unknown, variables: Variables): void {
  const names = isDocument(value) ? Object.keys(value) : [];
  if (names.length === 0 || names[0]!.startsWith('$')) {
    plant(root, path, { kind: 'computed', evaluate: compileExpression(value, variables) });
    return;
  }
  for (const name of names) addComputed(root, checkFieldPath(`${path}.${name}`), (value as Document)[name], variables);
}

/** `[skip, limit]` in numbers, or one number; anything else is the expression of that name. */
function isFindSlice(operand: unknown): boolean {
  if (!isList(operand)) return numberTypeOf(operand) !== undefined;
  return operand.length === 2 && operand.every((part) => numberTypeOf(part) !== undefined);
}

function sliceOf(operand: unknown): (value: unknown) => unknown {
  const [skip, limit] = (isList(operand) ? operand : [operand]).map((part) => Number(toInteger(part) ?? 0n));
  if (limit !== undefined && limit <= 0) throw new ServerError(28729, `$slice limit must be positive, but is ${limit}`);
  return (value) => {
    if (!isList(value)) return value;
    if (limit === undefined) return skip! >= 0 ? value.slice(0, skip) : value.slice(skip);
    const from = skip! >= 0 ? skip! : Math.max(0, value.length + skip!);
    return value.slice(from, from + limit);
  };
}

function elementMatching(operand: unknown, variables: Variables): (value: unknown) => unknown {
  if (!isDocument(operand)) throw new ServerError(31274, `elemMatch: Invalid argument, object required, but got ${bsonTypeOf(operand)}`);
  const filter = compileFilter({ array: { $elemMatch: operand } }, variables);
  return (value) => {
    const index = isList(value) ? filter.arrayIndex({ array: value }) : undefined;
    return isList(value) && index !== undefined ? [value[index]] : undefined;
  };
}

function positional({ filter }: ProjectionOptions): Leaf {
  const change = (value: unknown, document: Document): unknown => {
    const index = filter?.arrayIndex(document);
    if (index === undefined)
      throw new ServerError(
        51246,
        "Executor error during find command :: caused by :: positional operator '.$' couldn't find a matching element in the array",
      );
    return isList(value) ? [value[index]] : value;
  };
  return { kind: 'present', change };
}
