import { CODES, ServerError } from '../server-error.js';
import { bsonTypeOf, isDocument } from '../values/bson-type.js';
import { equalTo } from './comparison.js';
import type { Condition, DocumentTest, FilterParser } from './match.js';
import { and, conditionOfValue, ofElements, ofWhole } from './match.js';
import { hasOperators } from './operator-document.js';
import { regexTest } from './regex.js';

/** `$elemMatch`: one element for which everything holds; operators speak of the element, fields of a document in the array. */
export function elemMatch(operand: unknown, parser: FilterParser): Condition {
  if (!isDocument(operand)) throw new ServerError(CODES.BadValue, '$elemMatch needs an Object');
  const first = Object.keys(operand)[0];
  const ofValues = hasOperators(operand) && first !== '$and' && first !== '$or' && first !== '$nor' && first !== '$expr';
  const test = ofValues ? conditionOfValue(parser.operators(operand)) : ofFields(parser.filter(operand));
  return ofWhole((value, details) => {
    if (!Array.isArray(value)) return false;
    const index = value.findIndex((element) => test(element));
    const found = details;
    if (found && index >= 0) found.index = index;
    return index >= 0;
  });
}

/** `$all`: each of these, not necessarily as the same element. */
export function allOf(operand: unknown, parser: FilterParser): Condition {
  if (!Array.isArray(operand)) throw new ServerError(CODES.BadValue, '$all needs an array');
  if (operand.length === 0) return ofWhole(() => false);
  if (isElemMatch(operand[0])) {
    return and(
      operand.map((part: unknown) => {
        if (!isElemMatch(part)) throw new ServerError(CODES.BadValue, '$all/$elemMatch has to be consistent');
        return elemMatch(part.$elemMatch, parser);
      }),
    );
  }
  if (operand.some(hasOperators)) throw new ServerError(CODES.BadValue, 'no $ expressions in $all');
  return and(operand.map((part: unknown) => ofElements(bsonTypeOf(part) === 'regex' ? regexTest(part) : equalTo(part))));
}

function isElemMatch(value: unknown): value is { $elemMatch: unknown } {
  return isDocument(value) && Object.keys(value)[0] === '$elemMatch';
}

function ofFields(test: DocumentTest): (element: unknown) => boolean {
  return (element) => {
    if (Array.isArray(element)) return test({ ...(element as unknown[]) });
    return isDocument(element) && test(element);
  };
}
