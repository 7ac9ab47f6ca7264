import { sortDocuments } from '../../query/sort.js';
import type { Variables } from '../../query/variables.js';
import { ServerError } from '../../server-error.js';
import { isDocument } from '../../values/bson-type.js';
import type { Document } from 'bson';
import { add } from '../../values/arithmetic.js';
import { compareValues } from '../../values/compare.js';
import { keyOf } from '../../values/key.js';
import { double, int, numberTypeOf, toInteger } from '../../values/number.js';
import type { Evaluate } from '../evaluate.js';
import { argumentsOf, isNullish } from '../evaluate.js';
import { boundVariables, compileExpression } from '../expression.js';
import { averageOf, deviationOf } from '../expressions/accumulating.js';
import { merged } from '../expressions/objects.js';

/** Takes in the documents of one group. */
export interface Accumulator {
  take(document: Document): void;
  result(): unknown;
}

/** @throws {@link ServerError} there is no such accumulator, or its operand is wrong */
export function compileAccumulator(name: string, operand: unknown, variables: Variables): () => Accumulator {
  if (name === '$count') return ofValues(() => int(1), total);
  const state = SIMPLE[name];
  if (state) {
    if (Array.isArray(operand)) throw new ServerError(40237, `The ${name} accumulator is a unary operator`);
    return ofValues(evaluatorOf(operand, variables), state);
  }
  const choice = CHOICES[name];
  if (choice) return choosing(name, operand, choice, variables);
  throw new ServerError(15952, `unknown group operator '${name}'`);
}

interface State {
  take(value: unknown): void;
  result(): unknown;
}

const SIMPLE: Readonly<Record<string, () => State>> = {
  $sum: total,
  $avg: () => collecting(averageOf, (value) => numberTypeOf(value) !== undefined),
  $min: () => extreme(-1),
  $max: () => extreme(1),
  $first: first,
  $last: () => {
    let last: unknown;
    return { take: (value) => (last = value), result: () => last ?? null };
  },
  $push: () => collecting((values) => values),
  $addToSet: distinct,
  $mergeObjects: () => collecting(merged, (value) => !isNullish(value)),
  $stdDevPop: () => collecting((values) => deviationOf(values, 0)),
  $stdDevSamp: () => collecting((values) => deviationOf(values, 1)),
};

function total(): State {
  let sum: unknown = int(0);
  return {
    take: (value) => {
      if (numberTypeOf(value) !== undefined) sum = add(sum, value, double);
    },
    result: () => sum,
  };
}

function extreme(direction: 1 | -1): State {
  let best: unknown;
  return {
    take: (value) => {
      if (!isNullish(value) && (best === undefined || compareValues(value, best) * direction > 0)) best = value;
    },
    result: () => best ?? null,
  };
}

function first(): State {
  let taken = false;
  let value: unknown;
  return {
    take: (next) => {
      if (!taken) value = next;
      taken = true;
    },
    result: () => value ?? null,
  };
}

/** @param wanted - missing values never count */
function collecting(result: (values: readonly unknown[]) => unknown, wanted: (value: unknown) => boolean = () => true): State {
  const values: unknown[] = [];
  return {
    take: (value) => {
      if (value !== undefined && wanted(value)) values.push(value);
    },
    result: () => result(values),
  };
}

function distinct(): State {
  const values = new Map<string, unknown>();
  return {
    take: (value) => {
      if (value !== undefined && !values.has(keyOf(value))) values.set(keyOf(value), value);
    },
    result: () => [...values.values()],
  };
}

function ofValues(evaluate: (document: Document) => unknown, newState: () => State): () => Accumulator {
  return () => {
    const state = newState();
    return { take: (document) => state.take(evaluate(document)), result: () => state.result() };
  };
}

function evaluatorOf(expression: unknown, variables: Variables): (document: Document) => unknown {
  const evaluate: Evaluate = compileExpression(expression, variables);
  const bound = boundVariables(variables);
  return (document) => evaluate({ root: document, variables: bound });
}

/** Which of a group's documents, put in order if there is a `sortBy`, an accumulator gives the values of. */
interface Choice {
  readonly sorted: boolean;
  readonly many: boolean;
  readonly value: 'input' | 'output';
  /** Without a `sortBy`: the order of the values themselves. */
  readonly order?: 1 | -1;
  readonly end: 'front' | 'back';
}

const CHOICES: Readonly<Record<string, Choice>> = {
  $top: { sorted: true, many: false, value: 'output', end: 'front' },
  $topN: { sorted: true, many: true, value: 'output', end: 'front' },
  $bottom: { sorted: true, many: false, value: 'output', end: 'back' },
  $bottomN: { sorted: true, many: true, value: 'output', end: 'back' },
  $firstN: { sorted: false, many: true, value: 'input', end: 'front' },
  $lastN: { sorted: false, many: true, value: 'input', end: 'back' },
  $minN: { sorted: false, many: true, value: 'input', order: 1, end: 'front' },
  $maxN: { sorted: false, many: true, value: 'input', order: -1, end: 'front' },
};

function choosing(name: string, operand: unknown, choice: Choice, variables: Variables): () => Accumulator {
  const { sorted, many, value, order, end } = choice;
  const given = argumentsOf(operand, name, { required: [value, ...(sorted ? ['sortBy'] : []), ...(many ? ['n'] : [])] });
  const evaluate = evaluatorOf(given[value], variables);
  const count = many ? countOf(evaluatorOf(given.n, variables)({})) : 1;
  const sortBy = given.sortBy;
  if (sorted && !isDocument(sortBy)) throw new ServerError(10065, `invalid parameter: expected an object (sortBy)`);
  return () => {
    const documents: Document[] = [];
    const result = (): unknown => {
      let values = (sorted ? sortDocuments(documents, sortBy as Document) : documents).map((document) => evaluate(document) ?? null);
      if (order) values = values.filter((each) => each !== null).sort((a, b) => compareValues(a, b) * order);
      const chosen = end === 'front' ? values.slice(0, count) : values.slice(-count);
      return many ? chosen : (chosen[0] ?? null);
    };
    return { take: (document) => void documents.push(document), result };
  };
}

function countOf(n: unknown): number {
  const count = toInteger(n);
  if (count === undefined || count <= 0n) throw new ServerError(5787908, `'n' must be greater than 0, found ${String(n)}`);
  return Number(count);
}
