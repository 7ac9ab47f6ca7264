import { Refusal } from '../refusal.js';

/** Deeper than that nobody nests data, but to make readers run out of stack. */
const DEEPEST = 500;

/**
 * JSON that every reader understands alike: a key that is given twice, one of them for us and one for others, is refused, and a number that would be
 * infinite here, and nothing at all once it is written again.
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal('malformed', `Its body is not JSON: ${String((error as Error).message)}.`);
  }
  refuseTraps(text);
  return value;
}

/** Walks text that is known to be JSON. */
function refuseTraps(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfText(text, at);
      if (isKey(text, end)) refuseKey(JSON.parse(text.slice(at, end)) as string, open.at(-1)!);
      at = end - 1;
    } else if (isDigit(character)) at = endOfNumber(text, at) - 1;
    if (open.length > DEEPEST) throw new Refusal('malformed', `Its data is nested deeper than ${DEEPEST} times.`);
  }
}

function refuseKey(key: string, keys: Set<string>): void {
  if (keys.has(key)) throw new Refusal('malformed', `It holds the key ${JSON.stringify(key)} twice in one object.`);
  if (key === '__proto__') throw new Refusal('malformed', 'It holds a key "__proto__", which would poison objects of its readers.');
  keys.add(key);
}

const isDigit = (character: string | undefined): boolean => character !== undefined && character >= '0' && character <= '9';

/** The index behind the number's last character. */
function endOfNumber(text: string, digit: number): number {
  let end = digit + 1;
  while (end < text.length && /[\d.eE+-]/.test(text[end]!)) end++;
  if (!Number.isFinite(Number(text.slice(digit, end))))
    throw new Refusal('malformed', 'It holds a number that is too large for JavaScript, and would be none once it is written again.');
  return end;
}

/** The index behind the closing quote. */
function endOfText(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); ; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text[end - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
}

function isKey(text: string, behind: number): boolean {
  let at = behind;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}
