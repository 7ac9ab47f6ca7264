import { ServerError } from '../../server-error.js';
import { isDocument } from '../../values/bson-type.js';
import { isTrue } from '../../values/truth.js';
import type { Evaluate, Operator, Scope } from '../evaluate.js';
import { isNullish, operands, unary } from '../evaluate.js';

/** Boolean operators and choices. What is not chosen is not evaluated. */
export const CONDITIONALS: Readonly<Record<string, Operator>> = {
  $and: (operand, scope, name) => {
    const all = operands(operand, scope, { name, min: 0, max: Number.POSITIVE_INFINITY });
    return (frame) => all.every((evaluate) => isTrue(evaluate(frame)));
  },
  $or: (operand, scope, name) => {
    const any = operands(operand, scope, { name, min: 0, max: Number.POSITIVE_INFINITY });
    return (frame) => any.some((evaluate) => isTrue(evaluate(frame)));
  },
  $not: unary((value) => !isTrue(value)),
  $cond: (operand, scope, name) => {
    const [condition, whenTrue, whenFalse] = isDocument(operand) ? partsOfCond(operand, scope) : operands(operand, scope, { name, min: 3 });
    return (frame) => (isTrue(condition!(frame)) ? whenTrue!(frame) : whenFalse!(frame));
  },
  $ifNull: (operand, scope, name) => {
    const all = operands(operand, scope, { name, min: 2, max: Number.POSITIVE_INFINITY });
    return (frame) => {
      let value: unknown;
      for (const evaluate of all) {
        value = evaluate(frame);
        if (!isNullish(value)) return value;
      }
      return value;
    };
  },
  $switch: (operand, scope) => {
    const { branches, otherwise } = partsOfSwitch(operand, scope);
    return (frame) => {
      const chosen = branches.find(({ condition }) => isTrue(condition(frame)));
      if (chosen) return chosen.result(frame);
      if (otherwise) return otherwise(frame);
      throw new ServerError(40066, '$switch could not find a matching branch for an input, and no default was specified.');
    };
  },
};

function partsOfCond(operand: Record<string, unknown>, scope: Scope): readonly Evaluate[] {
  const unknown = Object.keys(operand).find((name) => !['if', 'then', 'else'].includes(name));
  if (unknown !== undefined) throw new ServerError(17083, `Unrecognized parameter to $cond: ${unknown}`);
  return (['if', 'then', 'else'] as const).map((name, at) => {
    if (!(name in operand)) throw new ServerError(17080 + at, `Missing '${name}' parameter to $cond`);
    return scope.compile(operand[name]);
  });
}

interface Branch {
  readonly condition: Evaluate;
  readonly result: Evaluate;
}

function partsOfSwitch(operand: unknown, scope: Scope): { branches: readonly Branch[]; otherwise: Evaluate | undefined } {
  if (!isDocument(operand)) throw new ServerError(40060, '$switch requires an object as an argument');
  const unknown = Object.keys(operand).find((name) => name !== 'branches' && name !== 'default');
  if (unknown !== undefined) throw new ServerError(40067, `$switch found an unknown argument: ${unknown}`);
  const given: unknown = operand.branches;
  if (!Array.isArray(given)) throw new ServerError(40061, "$switch expected an array for 'branches'");
  if (given.length === 0) throw new ServerError(40068, '$switch requires at least one branch.');
  const otherwise = 'default' in operand ? scope.compile(operand.default) : undefined;
  return { branches: given.map((branch) => branchOf(branch, scope)), otherwise };
}

function branchOf(branch: unknown, scope: Scope): Branch {
  if (!isDocument(branch)) throw new ServerError(40062, '$switch expected each branch to be an object');
  if (!('case' in branch)) throw new ServerError(40064, "$switch requires each branch have a 'case' expression");
  if (!('then' in branch)) throw new ServerError(40065, "$switch requires each branch have a 'then' expression.");
  return { condition: scope.compile(branch.case), result: scope.compile(branch.then) };
}
