import type { Document } from 'bson';
import { ServerError } from '../../server-error.js';
import { compileSort } from '../../query/sort.js';
import { bsonTypeOf, isDocument } from '../../values/bson-type.js';
import { compareValues, equalValues } from '../../values/compare.js';
import { int, numberTypeOf, toInteger, toNumber } from '../../values/number.js';
import { isTrue } from '../../values/truth.js';
import type { Evaluate, Operator } from '../evaluate.js';
import { argumentsOf, binary, isNullish, named, unary, variadic } from '../evaluate.js';
import { ACCUMULATING } from './accumulating.js';

/** Arrays and their elements. */
export const ARRAYS: Readonly<Record<string, Operator>> = {
  ...ACCUMULATING,
  $isArray: unary((value) => Array.isArray(value)),
  $size: unary((value) => {
    if (!Array.isArray(value))
      throw new ServerError(17124, `The argument to $size must be an array, but was of type: ${bsonTypeOf(value)}`);
    return int(value.length);
  }),
  $arrayElemAt: binary((array, index) => {
    if (isNullish(array) || isNullish(index)) return null;
    if (!Array.isArray(array)) throw new ServerError(28689, `$arrayElemAt's first argument must be an array, but is ${bsonTypeOf(array)}`);
    return array.at(wholeOf(index, 28690, "$arrayElemAt's second argument must be a numeric value, but is"));
  }),
  $first: unary((value, name) => elementAt(value, 0, name)),
  $last: unary((value, name) => elementAt(value, -1, name)),
  $firstN: (operand, scope, name) => nOf(named(operand, scope, name, { required: ['n', 'input'] }), name, (array, n) => array.slice(0, n)),
  $lastN: (operand, scope, name) => nOf(named(operand, scope, name, { required: ['n', 'input'] }), name, (array, n) => array.slice(-n)),
  $maxN: (operand, scope, name) =>
    nOf(named(operand, scope, name, { required: ['n', 'input'] }), name, (array, n) =>
      known(array)
        .sort((a, b) => compareValues(b, a))
        .slice(0, n),
    ),
  $minN: (operand, scope, name) =>
    nOf(named(operand, scope, name, { required: ['n', 'input'] }), name, (array, n) => known(array).sort(compareValues).slice(0, n)),
  $concatArrays: variadic((values) => {
    if (values.some(isNullish)) return null;
    return values.flatMap((value) => {
      if (!Array.isArray(value)) throw new ServerError(28664, `$concatArrays only supports arrays, not ${bsonTypeOf(value)}`);
      return value as unknown[];
    });
  }),
  $slice: variadic(sliceOf, { min: 2, max: 3 }),
  $in: binary((value, array) => {
    if (!Array.isArray(array)) throw new ServerError(40081, `$in requires an array as a second argument, found: ${bsonTypeOf(array)}`);
    return array.some((element) => equalValues(element, value));
  }),
  $indexOfArray: variadic(indexOfArray, { min: 2, max: 4 }),
  $reverseArray: unary((value) => {
    if (isNullish(value)) return null;
    if (!Array.isArray(value))
      throw new ServerError(34435, `The argument to $reverseArray must be an array, but was of type: ${bsonTypeOf(value)}`);
    return (value as unknown[]).toReversed();
  }),
  $range: variadic(rangeOf, { min: 2, max: 3 }),
  $sortArray: (operand, scope, name) => {
    const given = argumentsOf(operand, name, { required: ['input', 'sortBy'] });
    const input = scope.compile(given.input);
    const order = orderOf(given.sortBy);
    return (frame) => {
      const value = input(frame);
      if (isNullish(value)) return null;
      if (!Array.isArray(value))
        throw new ServerError(2942504, `The input argument to $sortArray must be an array, but was of type: ${bsonTypeOf(value)}`);
      return (value as unknown[]).toSorted(order);
    };
  },
  $zip: (operand, scope, name) => {
    const given = argumentsOf(operand, name, { required: ['inputs'], optional: ['useLongestLength', 'defaults'] });
    const [inputs, defaults] = [scope.compile(given.inputs), scope.compile(given.defaults ?? null)];
    const longest = isTrue(given.useLongestLength);
    return (frame) => zipped(inputs(frame), longest, defaults(frame));
  },
};

function elementAt(value: unknown, place: 0 | -1, name: string): unknown {
  if (isNullish(value)) return null;
  if (Array.isArray(value)) return value.at(place);
  throw new ServerError(28689, `${name}'s argument must be an array, but is ${bsonTypeOf(value)}`);
}

function known(array: readonly unknown[]): unknown[] {
  return array.filter((element) => !isNullish(element));
}

function nOf(
  { n, input }: Readonly<Record<string, Evaluate>>,
  name: string,
  take: (array: readonly unknown[], n: number) => unknown,
): Evaluate {
  return (frame) => {
    const count = toInteger(n!(frame));
    if (count === undefined) throw new ServerError(5787902, `Value for 'n' must be of integral type, but found ${bsonTypeOf(n!(frame))}`);
    if (count <= 0n) throw new ServerError(5787908, `'n' must be greater than 0, found ${count}`);
    const array = input!(frame);
    if (!Array.isArray(array)) throw new ServerError(5788200, `Input must be an array for ${name}, found ${bsonTypeOf(array)}`);
    return take(array, Number(count));
  };
}

function wholeOf(value: unknown, code: number, message: string): number {
  if (numberTypeOf(value) === undefined) throw new ServerError(code, `${message} ${bsonTypeOf(value)}`);
  const whole = toInteger(value);
  if (whole === undefined) throw new ServerError(code + 1, `${message} not representable as a 32-bit integer: ${toNumber(value)}`);
  return Number(whole);
}

function sliceOf([array, first, second]: readonly unknown[]): unknown {
  if (isNullish(array) || isNullish(first) || second === null) return null;
  if (!Array.isArray(array))
    throw new ServerError(28724, `First argument to $slice must be an array, but is of type: ${bsonTypeOf(array)}`);
  const start = wholeOf(first, 28725, 'Second argument to $slice must be a numeric value, but is of type:');
  if (second === undefined) return start >= 0 ? array.slice(0, start) : array.slice(start);
  const count = wholeOf(second, 28727, 'Third argument to $slice must be numeric, but is of type:');
  if (count <= 0) throw new ServerError(28729, `Third argument to $slice must be positive: ${count}`);
  const from = start >= 0 ? start : Math.max(0, array.length + start);
  return array.slice(from, from + count);
}

function indexOfArray([array, wanted, start, end]: readonly unknown[]): unknown {
  if (isNullish(array)) return null;
  if (!Array.isArray(array))
    throw new ServerError(40090, `$indexOfArray requires an array as a first argument, found: ${bsonTypeOf(array)}`);
  const from = start === undefined ? 0 : placeOf(start);
  const to = Math.min(end === undefined ? array.length : placeOf(end), array.length);
  for (let at = from; at < to; at += 1) {
    if (equalValues(array[at], wanted)) return int(at);
  }
  return int(-1);
}

function placeOf(value: unknown): number {
  const place = wholeOf(value, 40096, '$indexOfArray requires an integral index, found a value of type:');
  if (place < 0) throw new ServerError(40097, `$indexOfArray requires a nonnegative index, found: ${place}`);
  return place;
}

function rangeOf([first, last, every]: readonly unknown[]): unknown {
  const start = wholeOf(first, 34443, '$range requires a numeric starting value, found value of type:');
  const end = wholeOf(last, 34445, '$range requires a numeric ending value, found value of type:');
  const step = every === undefined ? 1 : wholeOf(every, 34447, '$range requires a numeric step value, found value of type:');
  if (step === 0) throw new ServerError(34449, '$range requires a non-zero step value');
  const values: unknown[] = [];
  for (let value = start; step > 0 ? value < end : value > end; value += step) values.push(int(value));
  return values;
}

function orderOf(sortBy: unknown): (a: unknown, b: unknown) => number {
  if (!isDocument(sortBy)) {
    const direction = toNumber(sortBy);
    if (direction !== 1 && direction !== -1) throw new ServerError(2942801, 'The $sortArray sortBy must be 1, -1 or an object');
    return (a, b) => compareValues(a, b) * direction;
  }
  const compare = compileSort(sortBy);
  return (a, b) => compare(documentOr(a), documentOr(b));
}

function documentOr(value: unknown): Document {
  return isDocument(value) ? value : {};
}

function zipped(inputs: unknown, longest: boolean, defaults: unknown): unknown {
  if (!Array.isArray(inputs)) throw new ServerError(34461, `inputs must be an array of expressions, found ${bsonTypeOf(inputs)}`);
  if (inputs.some(isNullish)) return null;
  if (!inputs.every(Array.isArray)) throw new ServerError(34468, '$zip found a non-array expression in input');
  const arrays = inputs as readonly (readonly unknown[])[];
  const lengths = arrays.map(({ length }) => length);
  const length = lengths.length === 0 ? 0 : longest ? Math.max(...lengths) : Math.min(...lengths);
  const filler = (at: number): unknown => (Array.isArray(defaults) ? (defaults[at] as unknown) : null);
  return Array.from({ length }, (_, row) => arrays.map((array, at) => (row < array.length ? array[row] : filler(at)) ?? null));
}
