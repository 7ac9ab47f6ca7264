import type { Document } from 'bson';
import type { Variables } from '../../query/variables.js';
import { ServerError } from '../../server-error.js';
import { isDocument } from '../../values/bson-type.js';
import { keyOf } from '../../values/key.js';
import { compileExpression, evaluateWith } from '../expression.js';
import type { Accumulator } from './accumulators.js';
import { compileAccumulator } from './accumulators.js';
import type { Stage } from './stage.js';

/** `$group`: one document for each value of `_id`, in the order in which they first come. */
export function group(operand: unknown, variables: Variables): Stage {
  if (!isDocument(operand)) throw new ServerError(15947, "a group's fields must be specified in an object");
  if (!('_id' in operand)) throw new ServerError(15955, 'a group specification must include an _id');
  const idOf = evaluateWith(compileExpression(operand._id, variables), variables);
  const fields = Object.entries(operand)
    .filter(([name]) => name !== '_id')
    .map(([name, value]: [string, unknown]) => ({ name, newAccumulator: accumulatorOf(name, value, variables) }));

  return function* (input) {
    const groups = new Map<string, Group>();
    for (const document of input) {
      const id = idOf(document) ?? null;
      const key = keyOf(id);
      let found = groups.get(key);
      if (!found) groups.set(key, (found = { id, accumulators: fields.map(({ newAccumulator }) => newAccumulator()) }));
      for (const accumulator of found.accumulators) accumulator.take(document);
    }
    for (const { id, accumulators } of groups.values()) {
      const made: Document = { _id: id };
      fields.forEach(({ name }, at) => (made[name] = accumulators[at]!.result()));
      yield made;
    }
  };
}

interface Group {
  readonly id: unknown;
  readonly accumulators: readonly Accumulator[];
}

function accumulatorOf(field: string, value: unknown, variables: Variables): () => Accumulator {
  if (field.includes('.')) throw new ServerError(40235, `The field name '${field}' cannot contain '.'`);
  if (field.startsWith('$')) throw new ServerError(40236, `The field name '${field}' cannot be an operator name`);
  const names = isDocument(value) ? Object.keys(value) : [];
  if (names.length === 0 || !isDocument(value)) throw new ServerError(40234, `The field '${field}' must be an accumulator object`);
  if (names.length > 1) throw new ServerError(40238, `The field '${field}' must specify one accumulator`);
  return compileAccumulator(names[0]!, value[names[0]!], variables);
}
