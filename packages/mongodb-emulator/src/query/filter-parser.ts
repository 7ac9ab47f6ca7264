import type { Document } from 'bson';
import { compileExpression, evaluateWith } from '../aggregation/expression.js';
import { CODES, ServerError } from '../server-error.js';
import { isDocument } from '../values/bson-type.js';
import { isTrue } from '../values/truth.js';
import type { Condition, DocumentTest, FilterParser } from './match.js';
import { all, conditionAt } from './match.js';
import { conditionOf, operatorsOf } from './operators.js';
import type { Variables } from './variables.js';

/** @throws {@link ServerError} the filter is not valid */
export function documentTestOf(filter: Document, variables: Variables): DocumentTest {
  const tests: DocumentTest[] = [];
  for (const [name, value] of Object.entries(filter) as [string, unknown][]) {
    if (name === '$comment') continue;
    tests.push(name.startsWith('$') ? topLevelOf(name, value, variables) : conditionAt(name, conditionOf(value, parserOf(variables))));
  }
  return all(tests);
}

/** @returns what operators say of a value that stands by itself, such as an element that `$pull` looks at */
export function valueConditionOf(operators: Document, variables: Variables): Condition {
  return operatorsOf(operators, parserOf(variables));
}

function parserOf(variables: Variables): FilterParser {
  const parser: FilterParser = {
    filter: (filter) => documentTestOf(filter, variables),
    operators: (operators) => operatorsOf(operators, parser),
  };
  return parser;
}

function topLevelOf(name: string, operand: unknown, variables: Variables): DocumentTest {
  switch (name) {
    case '$and':
      return all(branchesOf(name, operand, variables));
    case '$or':
      return some(branchesOf(name, operand, variables));
    case '$nor': {
      const any = some(branchesOf(name, operand, variables));
      return (document) => !any(document);
    }
    case '$expr':
      return expressionTest(operand, variables);
    case '$alwaysTrue':
      return () => true;
    case '$alwaysFalse':
      return () => false;
    default:
      throw new ServerError(
        CODES.BadValue,
        `unknown top level operator: ${name}. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.`,
      );
  }
}

function branchesOf(name: string, operand: unknown, variables: Variables): readonly DocumentTest[] {
  if (!Array.isArray(operand)) throw new ServerError(CODES.BadValue, `${name} must be an array`);
  if (operand.length === 0) throw new ServerError(CODES.BadValue, '$and/$or/$nor must be a nonempty array');
  return operand.map((branch: unknown) => {
    if (!isDocument(branch)) throw new ServerError(CODES.BadValue, '$or/$and/$nor entries need to be full objects');
    return documentTestOf(branch, variables);
  });
}

function some(tests: readonly DocumentTest[]): DocumentTest {
  return (document, details) => {
    for (const test of tests) {
      if (test(document, details)) return true;
    }
    return false;
  };
}

function expressionTest(operand: unknown, variables: Variables): DocumentTest {
  const evaluate = evaluateWith(compileExpression(operand, variables), variables);
  return (document) => isTrue(evaluate(document));
}
