import { CODES, ServerError } from '../../server-error.js';
import { bsonTypeOf, isDocument } from '../../values/bson-type.js';
import { toInteger } from '../../values/number.js';
import { isTrue } from '../../values/truth.js';
import type { Evaluate, Operator } from '../evaluate.js';
import { argumentsOf, bind, isNullish } from '../evaluate.js';

/** Operators that give names to values. */
export const BINDINGS: Readonly<Record<string, Operator>> = {
  $literal: (operand) => () => operand,
  $let: (operand, scope, name) => {
    const { vars, in: body } = argumentsOf(operand, name, { required: ['vars', 'in'] });
    if (!isDocument(vars)) throw new ServerError(CODES.FailedToParse, 'invalid parameter: expected an object (vars)');
    const values = Object.entries(vars).map(([variable, expression]) => [checkedName(variable), scope.compile(expression)] as const);
    const evaluate = scope.declare(...values.map(([variable]) => variable)).compile(body);
    return (frame) => {
      const bound = Object.fromEntries(values.map(([variable, value]) => [variable, value(frame)]));
      return evaluate({ root: frame.root, variables: { ...frame.variables, ...bound } });
    };
  },
  $map: (operand, scope, name) => {
    const given = argumentsOf(operand, name, { required: ['input', 'in'], optional: ['as'] });
    const [input, variable] = [scope.compile(given.input), nameIn(given.as)];
    const body = scope.declare(variable).compile(given.in);
    return (frame) => arrayOf(name, input(frame))?.map((element) => body(bind(frame, variable, element)) ?? null) ?? null;
  },
  $filter: (operand, scope, name) => {
    const given = argumentsOf(operand, name, { required: ['input', 'cond'], optional: ['as', 'limit'] });
    const [input, variable] = [scope.compile(given.input), nameIn(given.as)];
    const condition = scope.declare(variable).compile(given.cond);
    const limit: Evaluate = 'limit' in given ? scope.compile(given.limit) : () => null;
    return (frame) => {
      const kept = arrayOf(name, input(frame))?.filter((element) => isTrue(condition(bind(frame, variable, element))));
      return kept?.slice(0, limitOf(limit(frame))) ?? null;
    };
  },
  $reduce: (operand, scope, name) => {
    const given = argumentsOf(operand, name, { required: ['input', 'initialValue', 'in'] });
    const [input, initial] = [scope.compile(given.input), scope.compile(given.initialValue)];
    const body = scope.declare('value', 'this').compile(given.in);
    return (frame) => {
      const elements = arrayOf(name, input(frame));
      if (!elements) return null;
      return elements.reduce<unknown>((value, element) => body(bind(bind(frame, 'value', value), 'this', element)), initial(frame));
    };
  },
};

const NOT_AN_ARRAY: Readonly<Record<string, readonly [number, string]>> = {
  $map: [16883, 'input to $map must be an array not'],
  $filter: [28651, 'input to $filter must be an array not'],
  $reduce: [40080, "$reduce requires that 'input' be an array, found:"],
};

function arrayOf(name: string, value: unknown): readonly unknown[] | undefined {
  if (isNullish(value)) return undefined;
  if (Array.isArray(value)) return value as unknown[];
  const [code, message] = NOT_AN_ARRAY[name]!;
  throw new ServerError(code, `${message} ${bsonTypeOf(value)}`);
}

function nameIn(as: unknown): string {
  return as === undefined ? 'this' : checkedName(as);
}

function checkedName(name: unknown): string {
  if (typeof name === 'string' && /^(?:[a-z]|[^\0-\x7f])[\w\x80-\uffff]*$/.test(name)) return name;
  if (name === 'CURRENT') return name;
  throw new ServerError(CODES.FailedToParse, `'${String(name)}' starts with an invalid character for a user variable name`);
}

function limitOf(limit: unknown): number | undefined {
  if (isNullish(limit)) return undefined;
  const count = toInteger(limit);
  if (count === undefined) throw new ServerError(327391, '$filter: limit must be represented as a 32-bit integral value');
  if (count < 1n) throw new ServerError(327392, `$filter: limit must be greater than 0, found: ${count}`);
  return Number(count);
}
