import { BSONRegExp } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { bsonTypeOf } from '../values/bson-type.js';
import type { ValueTest } from './match.js';

const INVALID_OPTION = 51108;
const INVALID_PATTERN = 51091;

/** A match of strings; a stored regular expression matches itself. */
export function regexTest(regex: unknown, options?: string): ValueTest {
  const { pattern, flags } = partsOfRegex(regex, options);
  const compiled = compileRegex(pattern, flags);
  return (value) => {
    if (typeof value === 'string') return compiled.test(value);
    if (bsonTypeOf(value) === 'symbol') return compiled.test(String(value));
    if (bsonTypeOf(value) !== 'regex') return false;
    const other = partsOfRegex(value);
    return other.pattern === pattern && other.flags === flags;
  };
}

/** @returns the expression of a `$regex` or of a regular expression value */
export function partsOfRegex(regex: unknown, options?: string): { readonly pattern: string; readonly flags: string } {
  if (typeof regex === 'string') return { pattern: regex, flags: options ?? '' };
  if (regex instanceof RegExp) return { pattern: regex.source, flags: options ?? regex.flags };
  if (regex instanceof BSONRegExp) return { pattern: regex.pattern, flags: options ?? regex.options };
  throw new ServerError(CODES.BadValue, '$regex has to be a string');
}

/** @throws {@link ServerError} the pattern or one of the options i, m, s, x, u is not valid */
export function compileRegex(pattern: string, options: string, extra = ''): RegExp {
  const inline = /^\(\?([imsx]+)\)/.exec(pattern);
  const flags = options + (inline?.[1] ?? '');
  const wrong = /[^imsxu]/.exec(flags);
  if (wrong) throw new ServerError(INVALID_OPTION, `invalid flag in regex options: ${wrong[0]}`);
  const body = inline ? pattern.slice(inline[0].length) : pattern;
  const source = flags.includes('x') ? withoutComments(body) : body;
  const native = ['i', 'm', 's'].filter((flag) => flags.includes(flag)).join('') + extra;
  return tryCompile(source, `${native}u`) ?? tryCompile(source, native) ?? refuse(pattern);
}

function tryCompile(source: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(translated(source), flags);
  } catch {
    return undefined;
  }
}

function refuse(pattern: string): never {
  throw new ServerError(INVALID_PATTERN, `Regular expression is invalid: ${pattern}`);
}

/** Anchors and classes that the server's dialect has and this language spells differently. */
function translated(source: string): string {
  return source
    .replace(/\\A/g, '^')
    .replace(/\\[zZ]/g, '$')
    .replace(/\[:(alpha|digit|alnum|space|upper|lower):\]/g, (_, name: string) => CLASSES[name]!);
}

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'a-zA-Z',
  digit: '0-9',
  alnum: 'a-zA-Z0-9',
  space: '\\s',
  upper: 'A-Z',
  lower: 'a-z',
};

function withoutComments(source: string): string {
  return source.replace(/\\.|\[[^\]]*\]|\s+|#[^\n]*/gs, (part) => (/^[\s#]/.test(part) ? '' : part));
}
