import type { Document } from 'bson';
import type { Visitor } from '../values/path.js';
import { fieldOf, partsOf, someAt } from '../values/path.js';

/** What a match leaves behind: the place in an array that made it. */
export interface MatchDetails {
  index?: number | undefined;
}

/** Asks about a whole document. */
export type DocumentTest = (document: Document, details?: MatchDetails) => boolean;

/** Asks about one value; `undefined` is a missing one. */
export type ValueTest = (value: unknown, details?: MatchDetails) => boolean;

/**
 * What operators say of a path, before it is known which: a test of the values there, or a combination.
 *
 * `leaf` tells whether an array at the end of the path is entered.
 */
export type Condition =
  | { readonly kind: 'test'; readonly leaf: 'elements' | 'whole'; readonly test: ValueTest }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'and'; readonly of: readonly Condition[] };

/** What operators need to compile the filters that they contain. */
export interface FilterParser {
  filter(filter: Document): DocumentTest;
  operators(operators: Document): Condition;
}

export function ofElements(test: ValueTest): Condition {
  return { kind: 'test', leaf: 'elements', test };
}

export function ofWhole(test: ValueTest): Condition {
  return { kind: 'test', leaf: 'whole', test };
}

export function not(of: Condition): Condition {
  return { kind: 'not', of };
}

export function and(of: readonly Condition[]): Condition {
  return of.length === 1 ? of[0]! : { kind: 'and', of };
}

/** @returns the condition as a test of documents, at a path */
export function conditionAt(path: string, condition: Condition): DocumentTest {
  switch (condition.kind) {
    case 'not': {
      const inner = conditionAt(path, condition.of);
      return (document) => !inner(document);
    }
    case 'and':
      return all(condition.of.map((part) => conditionAt(path, part)));
    case 'test':
      return path.includes('.') ? testAtPath(partsOf(path), condition) : testAtField(path, condition);
  }
}

/** @returns the condition as a test of one value that stands by itself, such as an element */
export function conditionOfValue(condition: Condition): ValueTest {
  switch (condition.kind) {
    case 'not': {
      const inner = conditionOfValue(condition.of);
      return (value) => !inner(value);
    }
    case 'and': {
      const tests = condition.of.map(conditionOfValue);
      return (value, details) => tests.every((test) => test(value, details));
    }
    case 'test':
      return condition.test;
  }
}

export function all(tests: readonly DocumentTest[]): DocumentTest {
  if (tests.length === 0) return () => true;
  if (tests.length === 1) return tests[0]!;
  return (document, details) => {
    for (const test of tests) {
      if (!test(document, details)) return false;
    }
    return true;
  };
}

type Test = Extract<Condition, { kind: 'test' }>;

function testAtField(name: string, { leaf, test }: Test): DocumentTest {
  const entersArrays = leaf === 'elements';
  return (document, details) => {
    const value = fieldOf(document, name);
    if (entersArrays && Array.isArray(value)) {
      for (let at = 0; at < value.length; at += 1) {
        if (test(value[at], details)) return record(details, at);
      }
    }
    return test(value, details);
  };
}

function testAtPath(parts: readonly string[], { leaf, test }: Test): DocumentTest {
  return (document, details) => {
    const visit: Visitor = (value, index) => test(value, details) && record(details, index);
    return someAt(document, parts, leaf, visit);
  };
}

function record(details: MatchDetails | undefined, index: number | undefined): true {
  const found = details;
  if (found && index !== undefined) found.index = index;
  return true;
}
