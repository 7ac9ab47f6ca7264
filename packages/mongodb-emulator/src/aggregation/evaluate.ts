import { ServerError } from '../server-error.js';
import { isDocument } from '../values/bson-type.js';
import { describe } from '../values/describe.js';

/** What an expression sees while it is evaluated. */
export interface Frame {
  /** `$$ROOT` */
  readonly root: unknown;
  /** By name without dollars; `CURRENT` among them. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** A compiled expression. `undefined` is a missing value. */
export type Evaluate = (frame: Frame) => unknown;

/** What an expression may use where it stands. */
export interface Scope {
  compile(expression: unknown): Evaluate;
  /** @returns this scope with more variables */
  declare(...names: readonly string[]): Scope;
}

/** Compiles the operand of an operator. */
export type Operator = (operand: unknown, scope: Scope, name: string) => Evaluate;

/** @returns the frame with one more variable */
export function bind(frame: Frame, name: string, value: unknown): Frame {
  return { root: frame.root, variables: { ...frame.variables, [name]: value } };
}

export function isNullish(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

const WRONG_COUNT = 16020;
const COUNT_OUT_OF_RANGE = 28667;

/** @returns the operands of an operator that takes so many; one that is not an array counts as a list of one */
export function operands(
  operand: unknown,
  scope: Scope,
  { name, min, max = min }: { name: string; min: number; max?: number },
): readonly Evaluate[] {
  const list: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (list.length < min || list.length > max) throw countError(name, list.length, min, max);
  return list.map((each) => scope.compile(each));
}

/** An operator of exactly one operand. */
export function unary(apply: (value: unknown, name: string) => unknown): Operator {
  return (operand, scope, name) => {
    const [only] = operands(operand, scope, { name, min: 1 });
    return (frame) => apply(only!(frame), name);
  };
}

/** An operator of exactly two operands. */
export function binary(apply: (a: unknown, b: unknown, name: string) => unknown): Operator {
  return (operand, scope, name) => {
    const [first, second] = operands(operand, scope, { name, min: 2 });
    return (frame) => apply(first!(frame), second!(frame), name);
  };
}

/** An operator of any number of operands. */
export function variadic(apply: (values: readonly unknown[], name: string) => unknown, counts?: { min: number; max?: number }): Operator {
  return (operand, scope, name) => {
    const evaluated = operands(operand, scope, { name, min: 0, max: Number.POSITIVE_INFINITY, ...counts });
    return (frame) =>
      apply(
        evaluated.map((evaluate) => evaluate(frame)),
        name,
      );
  };
}

/** The arguments that an operator takes by name. */
export interface NamedArguments {
  readonly required: readonly string[];
  readonly optional?: readonly string[];
}

/** @returns the arguments of an operator that takes a document of them, compiled */
export function named(
  operand: unknown,
  scope: Scope,
  name: string,
  { required, optional = [] }: NamedArguments,
): Readonly<Record<string, Evaluate>> {
  const given = argumentsOf(operand, name, { required, optional });
  return Object.fromEntries(Object.entries(given).map(([argument, expression]) => [argument, scope.compile(expression)]));
}

/** @returns the arguments of an operator that takes a document of them, as they are written */
export function argumentsOf(
  operand: unknown,
  name: string,
  { required, optional = [] }: NamedArguments,
): Readonly<Record<string, unknown>> {
  if (!isDocument(operand)) throw new ServerError(CODE_OF_ARGUMENTS, `${name} only supports an object as its argument`);
  for (const argument of Object.keys(operand)) {
    if (!required.includes(argument) && !optional.includes(argument)) {
      throw new ServerError(CODE_OF_ARGUMENTS, `${name} found an unknown argument: ${argument}`);
    }
  }
  const missing = required.find((argument) => !(argument in operand));
  if (missing !== undefined)
    throw new ServerError(CODE_OF_ARGUMENTS, `${name} requires '${missing}' to be specified: ${describe(operand)}`);
  return operand;
}

const CODE_OF_ARGUMENTS = 9;

function countError(name: string, count: number, min: number, max: number): ServerError {
  if (min === max) return new ServerError(WRONG_COUNT, `Expression ${name} takes exactly ${min} arguments. ${count} were passed in.`);
  const most = Number.isFinite(max) ? `, and at most ${max}` : '';
  return new ServerError(COUNT_OUT_OF_RANGE, `Expression ${name} takes at least ${min} arguments${most}, but ${count} were passed in.`);
}
