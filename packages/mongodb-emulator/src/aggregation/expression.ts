import type { Document } from 'bson';
import type { Variables } from '../query/variables.js';
import { CODES, ServerError } from '../server-error.js';
import { isDocument } from '../values/bson-type.js';
import { describe } from '../values/describe.js';
import { fieldOf } from '../values/path.js';
import type { Evaluate, Frame, Operator, Scope } from './evaluate.js';
import { ARITHMETIC } from './expressions/arithmetic.js';
import { ARRAYS } from './expressions/arrays.js';
import { BINDINGS } from './expressions/bindings.js';
import { COMPARISONS } from './expressions/comparisons.js';
import { CONDITIONALS } from './expressions/conditionals.js';
import { CONVERSIONS } from './expressions/conversions.js';
import { DATES } from './expressions/dates.js';
import { OBJECTS } from './expressions/objects.js';
import { SETS } from './expressions/sets.js';
import { STRINGS } from './expressions/strings.js';

const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  [ARITHMETIC, ARRAYS, BINDINGS, COMPARISONS, CONDITIONALS, CONVERSIONS, DATES, OBJECTS, SETS, STRINGS].flatMap((family) =>
    Object.entries(family),
  ),
);

const UNDEFINED_VARIABLE = 17276;
const ONE_OPERATOR_ONLY = 15983;

/**
 * @param declared - variables besides those that are always there and the ones of `let`
 * @throws {@link ServerError} the expression is not valid
 */
export function compileExpression(expression: unknown, variables: Variables, declared: readonly string[] = []): Evaluate {
  return rootScope(variables)
    .declare(...declared)
    .compile(expression);
}

/** @returns the compiled expression as a function of documents */
export function evaluateWith(evaluate: Evaluate, variables: Variables): (document: unknown) => unknown {
  const bound = boundVariables(variables);
  return (document) => evaluate({ root: document, variables: bound });
}

/** @returns whether there is an expression operator of this name */
export function isOperator(name: string): boolean {
  return OPERATORS.has(name);
}

/** @returns the values that variables have before any document is looked at */
export function boundVariables({ now, clusterTime, let: given }: Variables): Readonly<Record<string, unknown>> {
  const always = { NOW: now, CLUSTER_TIME: clusterTime };
  if (!given) return always;
  const frame: Frame = { root: {}, variables: always };
  const scope = scopeOf(new Set(BUILT_IN));
  return { ...always, ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name, scope.compile(value)(frame)])) };
}

const BUILT_IN: readonly string[] = ['ROOT', 'CURRENT', 'NOW', 'CLUSTER_TIME', 'REMOVE'];

function rootScope({ let: given }: Variables): Scope {
  return scopeOf(new Set([...BUILT_IN, ...Object.keys(given ?? {})]));
}

function scopeOf(names: ReadonlySet<string>): Scope {
  const scope: Scope = {
    compile: (expression) => compile(expression, scope, names),
    declare: (...more) => (more.length === 0 ? scope : scopeOf(new Set([...names, ...more]))),
  };
  return scope;
}

function compile(expression: unknown, scope: Scope, names: ReadonlySet<string>): Evaluate {
  if (typeof expression === 'string') return expression.startsWith('$') ? compileFieldPath(expression, names) : () => expression;
  if (Array.isArray(expression)) return compileArray(expression.map((element) => scope.compile(element)));
  if (!isDocument(expression)) return () => expression;
  const [first] = Object.keys(expression);
  return first?.startsWith('$') ? compileOperator(expression, first, scope) : compileObject(expression, scope);
}

function compileOperator(expression: Document, name: string, scope: Scope): Evaluate {
  const count = Object.keys(expression).length;
  if (count > 1) {
    throw new ServerError(
      ONE_OPERATOR_ONLY,
      `an expression specification must contain exactly one field, the name of the expression. Found ${count} fields in ${describe(expression)}`,
    );
  }
  const operator = OPERATORS.get(name);
  if (!operator) throw new ServerError(CODES.InvalidPipelineOperator, `Unrecognized expression '${name}'`);
  return operator(expression[name], scope, name);
}

function compileArray(elements: readonly Evaluate[]): Evaluate {
  return (frame) => elements.map((evaluate) => evaluate(frame) ?? null);
}

function compileObject(expression: Document, scope: Scope): Evaluate {
  const fields = Object.entries(expression).map(([name, value]) => {
    if (name.includes('.'))
      throw new ServerError(16412, `FieldPath field names may not contain '.'. Consider using $getField or $setField.`);
    if (name.startsWith('$'))
      throw new ServerError(16410, `FieldPath field names may not start with '$'. Consider using $getField or $setField.`);
    return { name, evaluate: scope.compile(value) };
  });
  return (frame) => {
    const made: Document = {};
    for (const { name, evaluate } of fields) {
      const value = evaluate(frame);
      if (value !== undefined) made[name] = value;
    }
    return made;
  };
}

/** `$a.b` of the current document, `$$name.a.b` of a variable. */
function compileFieldPath(path: string, names: ReadonlySet<string>): Evaluate {
  if (!path.startsWith('$$')) {
    const parts = partsOfFieldPath(path.slice(1));
    if (parts.length === 1) return fieldOfCurrent(parts[0]!);
    return (frame) => valueAlong(currentOf(frame), parts, 0);
  }
  const [name, ...parts] = partsOfFieldPath(path.slice(2));
  const variable = variableNamed(name!, names);
  return parts.length === 0 ? variable : (frame) => valueAlong(variable(frame), parts, 0);
}

function partsOfFieldPath(path: string): readonly string[] {
  if (path === '') throw new ServerError(16872, "'$' by itself is not a valid FieldPath");
  if (path.endsWith('.')) throw new ServerError(40353, "FieldPath must not end with a '.'.");
  const parts = path.split('.');
  if (parts.includes('')) throw new ServerError(15998, 'FieldPath field names may not be empty strings.');
  if (parts.some((part) => part.startsWith('$'))) {
    throw new ServerError(16410, `FieldPath field names may not start with '$'. Consider using $getField or $setField.`);
  }
  return parts;
}

function variableNamed(name: string, names: ReadonlySet<string>): Evaluate {
  if (!names.has(name)) throw new ServerError(UNDEFINED_VARIABLE, `Use of undefined variable: ${name}`);
  if (name === 'ROOT') return (frame) => frame.root;
  if (name === 'CURRENT') return currentOf;
  if (name === 'REMOVE') return () => undefined;
  return ({ variables }) => variables[name];
}

function fieldOfCurrent(name: string): Evaluate {
  return (frame) => {
    const current = currentOf(frame);
    return isDocument(current) ? fieldOf(current, name) : valueAlong(current, [name], 0);
  };
}

function currentOf({ root, variables }: Frame): unknown {
  return 'CURRENT' in variables ? variables.CURRENT : root;
}

/** Through arrays to the documents in them, the results being an array again; a number is no place in an array here. */
export function valueAlong(from: unknown, parts: readonly string[], start: number): unknown {
  let current = from;
  for (let at = start; at < parts.length; at += 1) {
    if (Array.isArray(current)) {
      return current.filter(isDocument).flatMap((element) => {
        const value = valueAlong(element, parts, at);
        return value === undefined ? [] : [value];
      });
    }
    if (!isDocument(current)) return undefined;
    current = fieldOf(current, parts[at]!);
  }
  return current;
}
