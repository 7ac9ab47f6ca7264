import type { Document } from 'bson';
import { additionOf, projectionOf } from '../../query/projection.js';
import type { Variables } from '../../query/variables.js';
import { CODES, ServerError } from '../../server-error.js';
import { bsonTypeOf, isDocument } from '../../values/bson-type.js';
import { describe } from '../../values/describe.js';
import { compileExpression, evaluateWith } from '../expression.js';

/** Makes one document of one. */
export type Transform = (document: Document) => Document;

/**
 * @returns what a stage does to each document by itself; `undefined` for stages that do something else
 * @throws {@link ServerError} the stage is not valid
 */
export function transformOf(name: string, operand: unknown, variables: Variables): Transform | undefined {
  switch (name) {
    case '$project':
      return prefixed('$project', () => projectionOf(nonEmpty(operand), { variables, inStage: true }));
    case '$addFields':
    case '$set':
      return prefixed(name, () => additionOf(documentFor(name, operand), variables));
    case '$unset':
      return prefixed('$project', () => projectionOf(exclusionOf(operand), { variables, inStage: true }));
    case '$replaceRoot':
      return newRoot(newRootOf(operand), '$replaceRoot', variables);
    case '$replaceWith':
      return newRoot(operand, '$replaceWith', variables);
    default:
      return undefined;
  }
}

function nonEmpty(operand: unknown): Document {
  if (!isDocument(operand)) throw new ServerError(15969, '$project specification must be an object');
  if (Object.keys(operand).length === 0) throw new ServerError(51272, 'projection specification must have at least one field');
  return operand;
}

function documentFor(name: string, operand: unknown): Document {
  if (isDocument(operand)) return operand;
  throw new ServerError(40272, `${name} specification stage must be an object, got ${bsonTypeOf(operand)}`);
}

function exclusionOf(operand: unknown): Document {
  const paths: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (paths.length === 0) throw new ServerError(31119, '$unset specification must be a string or an array with at least one field');
  return Object.fromEntries(
    paths.map((path) => {
      if (typeof path === 'string') return [path, false];
      throw new ServerError(31002, '$unset specification must be a string or an array containing only string values');
    }),
  );
}

function newRootOf(operand: unknown): unknown {
  if (!isDocument(operand))
    throw new ServerError(40229, `expected an object as specification for $replaceRoot stage, got ${bsonTypeOf(operand)}`);
  const unknown = Object.keys(operand).find((name) => name !== 'newRoot');
  if (unknown !== undefined) throw new ServerError(40415, `BSON field '$replaceRoot.${unknown}' is an unknown field.`);
  if (!('newRoot' in operand)) throw new ServerError(40414, `BSON field '$replaceRoot.newRoot' is missing but a required field`);
  return operand.newRoot;
}

function newRoot(expression: unknown, name: string, variables: Variables): Transform {
  const evaluate = evaluateWith(compileExpression(expression, variables), variables);
  return (document) => {
    const root = evaluate(document);
    if (isDocument(root)) return root;
    const subject = name === '$replaceRoot' ? "'newRoot' expression " : "'replacement document'";
    throw new ServerError(
      40228,
      `${subject} must evaluate to an object, but resulting value was: ${describe(root)}. Type of resulting value: '${bsonTypeOf(root)}'. Input document: ${describe(document)}`,
    );
  };
}

/** Errors of a projection say which stage they come from. */
function prefixed(name: string, make: () => Transform): Transform {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ServerError) || error.code === CODES.InternalError) throw error;
    throw new ServerError(error.code, `Invalid ${name} :: caused by :: ${error.message}`, error.extra, error.labels);
  }
}
