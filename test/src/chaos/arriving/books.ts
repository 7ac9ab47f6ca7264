import type { TillCall } from './till.js';

/** What should be written somewhere, and what is. */
export interface Ledger {
  readonly name: string;
  /** In order; each once. */
  readonly expected: readonly string[];
  readonly written: readonly string[];
  /** False where no order is promised. */
  readonly isOrdered: boolean;
  /** True when all of it should be there by now. */
  readonly isComplete: boolean;
}

/** What is wrong with a ledger: something twice, out of order, from nowhere, or missing. */
export function faultsOf({ name, expected, written, isOrdered, isComplete }: Ledger): readonly string[] {
  const faults: string[] = [];
  const known = new Set(expected);
  const seen = new Set<string>();
  for (const line of written) {
    if (seen.has(line)) faults.push(`${name}: ${line} is written twice`);
    else if (!known.has(line)) faults.push(`${name}: nobody knows where ${line} comes from`);
    seen.add(line);
  }
  const missing = expected.filter((line) => !seen.has(line));
  if (isComplete) faults.push(...missing.map((line) => `${name}: ${line} is missing`));
  if (faults.length > 0 || !isOrdered) return faults;
  const inOrder = expected.slice(0, written.length);
  const at = written.findIndex((line, nth) => line !== inOrder[nth]);
  return at < 0 ? [] : [`${name}: ${written[at]} stands where ${inOrder[at]} should`];
}

export interface Account {
  /** Ids of the messages that are to be paid for. */
  readonly toPay: readonly string[];
  readonly calls: readonly TillCall[];
  readonly isComplete: boolean;
}

/** What is wrong with what was called for: under a strange key, not at all, or again by someone who did not know that it may be again. */
export function faultsOfCalls({ toPay, calls, isComplete }: Account): readonly string[] {
  const strange = calls.filter(({ key }) => !toPay.includes(key)).map(({ key }) => `till: nobody knows the key ${key}`);
  const unpaid = toPay.filter((key) => isComplete && !calls.some((call) => call.key === key)).map((key) => `till: ${key} was not paid`);
  const unaware = calls
    .filter(({ key, mayBeRepeat }, nth) => !mayBeRepeat && calls.findIndex((call) => call.key === key) < nth)
    .map(({ key, by }) => `till: ${by} called again for ${key} and did not know that it may be again`);
  return [...strange, ...unpaid, ...unaware];
}
