import type { Document } from 'bson';
import { compileRegex, partsOfRegex } from '../../query/regex.js';
import { ServerError } from '../../server-error.js';
import { bsonTypeOf } from '../../values/bson-type.js';
import { int, numberTypeOf, toInteger, toNumber } from '../../values/number.js';
import { compareStrings } from '../../values/strings.js';
import type { Evaluate, Frame, Operator, Scope } from '../evaluate.js';
import { binary, isNullish, named, unary, variadic } from '../evaluate.js';
import { textOf } from './text.js';

/** Strings, by code points (`CP`) or by bytes of UTF-8. */
export const STRINGS: Readonly<Record<string, Operator>> = {
  $concat: variadic((values) => {
    if (values.some(isNullish)) return null;
    return values.map((value) => stringFor(value, 16702, '$concat only supports strings, not')).join('');
  }),
  $toLower: unary((value) => textOf(value).toLowerCase()),
  $toUpper: unary((value) => textOf(value).toUpperCase()),
  $strLenCP: unary((value) => int([...stringFor(value, 34471, '$strLenCP requires a string argument, found:')].length)),
  $strLenBytes: unary((value) => int(Buffer.byteLength(stringFor(value, 34473, '$strLenBytes requires a string argument, found:')))),
  $strcasecmp: binary((a, b) => int(Math.sign(compareStrings(textOf(a).toUpperCase(), textOf(b).toUpperCase())))),
  $split: binary((value, separator) => {
    if (isNullish(value) || isNullish(separator)) return null;
    const text = stringFor(value, 40085, '$split requires an expression that evaluates to a string as a first argument, found:');
    const by = stringFor(separator, 40086, '$split requires an expression that evaluates to a string as a second argument, found:');
    if (by === '') throw new ServerError(40087, '$split requires a non-empty separator');
    return text.split(by);
  }),
  $substrCP: variadic(
    ([value, start, count]) => {
      const points = [...textOf(value)];
      const [from, length] = [placeFor(start, 34450, '$substrCP'), placeFor(count, 34452, '$substrCP')];
      return points.slice(from, from + length).join('');
    },
    { min: 3, max: 3 },
  ),
  $substrBytes: variadic(substringOfBytes, { min: 3, max: 3 }),
  $substr: variadic(substringOfBytes, { min: 3, max: 3 }),
  $indexOfCP: variadic((values) => indexIn(values, '$indexOfCP'), { min: 2, max: 4 }),
  $indexOfBytes: variadic((values) => indexIn(values, '$indexOfBytes'), { min: 2, max: 4 }),
  $trim: trimmer((text, isTrimmed) => trimEnd(trimStart(text, isTrimmed), isTrimmed)),
  $ltrim: trimmer(trimStart),
  $rtrim: trimmer(trimEnd),
  $replaceOne: replacer((text, find, by) => text.replace(find, () => by)),
  $replaceAll: replacer((text, find, by) => text.replaceAll(find, () => by)),
  $regexMatch: regexOperator((text, regex) => regex.test(text), false),
  $regexFind: regexOperator((text, regex) => {
    const match = regex.exec(text);
    return match ? findingOf(match) : null;
  }, null),
  $regexFindAll: regexOperator((text, regex) => Array.from(text.matchAll(regex), findingOf), []),
};

function stringFor(value: unknown, code: number, message: string): string {
  if (typeof value === 'string') return value;
  throw new ServerError(code, `${message} ${bsonTypeOf(value)}`);
}

function placeFor(value: unknown, code: number, name: string): number {
  if (numberTypeOf(value) === undefined) throw new ServerError(code, `${name}: a place must be a number, but is ${bsonTypeOf(value)}`);
  const place = Math.trunc(toNumber(value));
  if (place < 0) throw new ServerError(code + 4, `${name}: a place must not be negative, but is ${place}`);
  return place;
}

function substringOfBytes([value, start, count]: readonly unknown[]): string {
  const bytes = Buffer.from(textOf(value), 'utf8');
  if (numberTypeOf(start) === undefined)
    throw new ServerError(16034, `$substrBytes: starting index must be a numeric type (is BSON type ${bsonTypeOf(start)})`);
  if (numberTypeOf(count) === undefined)
    throw new ServerError(16035, `$substrBytes: length must be a numeric type (is BSON type ${bsonTypeOf(count)})`);
  const from = Math.trunc(toNumber(start));
  const length = Math.trunc(toNumber(count));
  if (from < 0) throw new ServerError(50752, `$substrBytes: starting index must be non-negative (got: ${from})`);
  const to = length < 0 ? bytes.length : Math.min(from + length, bytes.length);
  if (isContinuation(bytes[from]))
    throw new ServerError(28656, '$substrBytes: Invalid range, starting index is a UTF-8 continuation byte.');
  if (isContinuation(bytes[to]))
    throw new ServerError(28657, '$substrBytes: Invalid range, ending index is in the middle of a UTF-8 character.');
  return bytes.subarray(from, to).toString('utf8');
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function indexIn([value, wanted, start, end]: readonly unknown[], name: '$indexOfCP' | '$indexOfBytes'): unknown {
  if (isNullish(value)) return null;
  const text = stringFor(value, 40091, `${name} requires a string as the first argument, found:`);
  const token = stringFor(wanted, 40092, `${name} requires a string as the second argument, found:`);
  const unitsOf = (part: string): readonly unknown[] => (name === '$indexOfCP' ? [...part] : [...Buffer.from(part)]);
  const [units, searched] = [unitsOf(text), unitsOf(token)];
  const from = start === undefined ? 0 : indexFor(start, name);
  const to = Math.min(end === undefined ? units.length : indexFor(end, name), units.length);
  for (let at = from; at + searched.length <= to; at += 1) {
    if (searched.every((unit, offset) => units[at + offset] === unit)) return int(at);
  }
  return int(-1);
}

function indexFor(value: unknown, name: string): number {
  const index = toInteger(value);
  if (index === undefined) throw new ServerError(40096, `${name} requires an integral index, found a value of type: ${bsonTypeOf(value)}`);
  if (index < 0n) throw new ServerError(40097, `${name} requires a nonnegative index, found: ${index}`);
  return Number(index);
}

type IsTrimmed = (point: string) => boolean;

function trimmer(trim: (text: string, isTrimmed: IsTrimmed) => string): Operator {
  return (operand, scope, name) => {
    const { input, chars } = named(operand, scope, name, { required: ['input'], optional: ['chars'] });
    return (frame) => {
      const value = input!(frame);
      const given = chars?.(frame);
      if (isNullish(value) || (chars && isNullish(given))) return null;
      const text = stringFor(value, 50699, `${name} requires its input to be a string, got`);
      const set = chars && new Set(stringFor(given, 50700, `${name} requires 'chars' to be a string, got`));
      return trim(text, set ? (point) => set.has(point) : (point) => /[\s\0]/.test(point));
    };
  };
}

function trimStart(text: string, isTrimmed: IsTrimmed): string {
  const points = [...text];
  const first = points.findIndex((point) => !isTrimmed(point));
  return first < 0 ? '' : points.slice(first).join('');
}

function trimEnd(text: string, isTrimmed: IsTrimmed): string {
  const points = [...text];
  return points.slice(0, points.findLastIndex((point) => !isTrimmed(point)) + 1).join('');
}

function replacer(replace: (text: string, find: string, by: string) => string): Operator {
  return (operand, scope, name) => {
    const { input, find, replacement } = named(operand, scope, name, { required: ['input', 'find', 'replacement'] });
    return (frame) => {
      const values = [input!(frame), find!(frame), replacement!(frame)];
      if (values.some(isNullish)) return null;
      const [text, searched, by] = values.map((value, at) => stringFor(value, 51746 - at, `${name} requires strings, found:`));
      return replace(text!, searched!, by!);
    };
  };
}

function regexOperator(find: (text: string, regex: RegExp) => unknown, nothing: unknown): Operator {
  return (operand: unknown, scope: Scope, name: string): Evaluate => {
    const { input, regex, options } = named(operand, scope, name, { required: ['input', 'regex'], optional: ['options'] });
    return (frame: Frame) => {
      const [value, pattern, flags] = [input!(frame), regex!(frame), options?.(frame)];
      if (isNullish(value) || isNullish(pattern)) return nothing;
      const text = stringFor(value, 51104, `${name} needs 'input' to be of type string, found:`);
      if (typeof pattern !== 'string' && bsonTypeOf(pattern) !== 'regex')
        throw new ServerError(51105, `${name} needs 'regex' to be of type string or regex`);
      const parts = partsOfRegex(
        pattern,
        isNullish(flags) ? undefined : stringFor(flags, 51106, `${name} needs 'options' to be of type string, found:`),
      );
      return find(text, compileRegex(parts.pattern, parts.flags, name === '$regexFindAll' ? 'g' : ''));
    };
  };
}

function findingOf(match: RegExpExecArray): Document {
  const before = match.input.slice(0, match.index);
  return {
    match: match[0],
    idx: int([...before].length),
    captures: match.slice(1).map((capture) => (capture as string | undefined) ?? null),
  };
}
