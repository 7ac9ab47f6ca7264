import type { Document } from 'bson';
import { hasOperators } from '../query/operator-document.js';
import { ServerError, CODES } from '../server-error.js';
import { bsonTypeOf, isDocument, isList } from '../values/bson-type.js';
import { changeAt } from './change-at.js';
import { setting } from './field-operators.js';
import { withIdFirst } from './immutable-id.js';

/**
 * @returns the document that an upsert starts from: what the filter says its fields equal
 * @throws {@link ServerError} 54: the filter says two things of one field
 */
export function upsertSeed(filter: Document): Document {
  const equalities = equalitiesOf(filter);
  const paths: string[] = [];
  let seed: Document = {};
  for (const { path, value } of equalities) {
    refuseTwice(paths, path);
    paths.push(path);
    seed = changeAt(seed, path.split('.'), setting(value), seed);
  }
  return withIdFirst(seed);
}

interface Equality {
  readonly path: string;
  readonly value: unknown;
}

function equalitiesOf(filter: Document): readonly Equality[] {
  return Object.entries(filter).flatMap(([name, value]: [string, unknown]) => {
    if (name === '$and' || (name === '$or' && isList(value) && value.length === 1)) {
      return isList(value) ? value.filter(isDocument).flatMap(equalitiesOf) : [];
    }
    return name.startsWith('$') ? [] : valuesOf(value).map((equal) => ({ path: name, value: equal }));
  });
}

function valuesOf(condition: unknown): readonly unknown[] {
  if (bsonTypeOf(condition) === 'regex') return [];
  if (!hasOperators(condition)) return [condition];
  return Object.entries(condition).flatMap(([operator, operand]: [string, unknown]) => {
    if (operator === '$eq') return [operand];
    if (operator === '$in') return isList(operand) && operand.length === 1 ? operand.filter((value) => bsonTypeOf(value) !== 'regex') : [];
    return operator === '$all' && isList(operand) ? operand.filter((value) => bsonTypeOf(value) !== 'regex' && !hasOperators(value)) : [];
  });
}

function refuseTwice(paths: readonly string[], path: string): void {
  for (const other of paths) {
    if (other === path)
      throw new ServerError(CODES.NotSingleValueField, `cannot infer query fields to set, path '${path}' is matched twice`);
    if (other.startsWith(`${path}.`) || path.startsWith(`${other}.`)) {
      throw new ServerError(CODES.NotSingleValueField, `cannot infer query fields to set, both paths '${path}' and '${other}' are matched`);
    }
  }
}
