import type { Document } from 'bson';
import { compileFilter } from '../../query/filter.js';
import type { Variables } from '../../query/variables.js';
import { CODES, ServerError } from '../../server-error.js';
import { bsonTypeOf, isDocument } from '../../values/bson-type.js';
import { describe } from '../../values/describe.js';
import { valuesAt } from '../../values/path.js';
import { changeAt } from '../../update/change-at.js';
import { compileExpression, evaluateWith } from '../expression.js';
import type { Source, Stage } from './stage.js';

/** Runs a pipeline over documents. */
export type RunPipeline = (stages: readonly Document[], input: Iterable<Document>, variables: Variables) => Iterable<Document>;

const ARGUMENTS = ['from', 'localField', 'foreignField', 'as', 'let', 'pipeline'];

/** `$lookup`: the documents of another collection that belong to this one; by equal fields, by a pipeline, or by both. */
export function lookup(operand: unknown, context: { source: Source; variables: Variables; run: RunPipeline }): Stage {
  const { source, variables, run } = context;
  const { from, localField, foreignField, as, pipeline, let: given } = argumentsOfLookup(operand);
  const bindings = Object.entries(given).map(([name, expression]: [string, unknown]) => ({
    name,
    evaluate: evaluateWith(compileExpression(expression, variables), variables),
  }));
  const bound = (valueOf: (evaluate: (document: unknown) => unknown) => unknown): Variables => {
    if (bindings.length === 0) return variables;
    const values = bindings.map(({ name, evaluate }) => [name, { $literal: valueOf(evaluate) ?? null }] as const);
    return { ...variables, let: { ...variables.let, ...Object.fromEntries(values) } };
  };
  // What is wrong with the pipeline shows before any document comes.
  run(
    pipeline,
    [],
    bound(() => null),
  );

  return function* (input) {
    for (const document of input) {
      const filters = [
        ...(localField === undefined ? [] : [equalityOf(foreignField!, valuesAt(document, localField))]),
        ...leadingMatch(pipeline),
      ];
      const found = foundIn(source, from, filters, variables);
      const joined =
        pipeline.length === 0
          ? [...found]
          : [
              ...run(
                pipeline,
                found,
                bound((evaluate) => evaluate(document)),
              ),
            ];
      yield changeAt(document, as.split('.'), { creates: true, changed: () => joined }, document);
    }
  };
}

interface LookupArguments {
  readonly from: string;
  readonly localField: string | undefined;
  readonly foreignField: string | undefined;
  readonly as: string;
  readonly let: Document;
  readonly pipeline: readonly Document[];
}

function argumentsOfLookup(operand: unknown): LookupArguments {
  if (!isDocument(operand)) throw new ServerError(CODES.FailedToParse, 'the $lookup specification must be an Object');
  const unknown = Object.keys(operand).find((name) => !ARGUMENTS.includes(name));
  if (unknown !== undefined) throw new ServerError(CODES.FailedToParse, `unknown argument to $lookup: ${unknown}`);
  for (const name of ['from', 'localField', 'foreignField', 'as']) {
    const value: unknown = operand[name];
    if (value !== undefined && typeof value !== 'string') {
      throw new ServerError(
        CODES.FailedToParse,
        `$lookup argument '${name}: ${describe(value)}' must be a string, is type ${bsonTypeOf(value)}`,
      );
    }
  }
  const { from, localField, foreignField, as, let: given = {}, pipeline = [] } = operand as Partial<LookupArguments>;
  if (as === undefined) throw new ServerError(CODES.FailedToParse, "must specify 'as' field for a $lookup");
  if (from === undefined) throw new ServerError(CODES.FailedToParse, "must specify 'from' field for a $lookup");
  if ((localField === undefined) !== (foreignField === undefined) || (localField === undefined && operand.pipeline === undefined)) {
    throw new ServerError(CODES.FailedToParse, "$lookup requires both or neither of 'localField' and 'foreignField' to be specified");
  }
  return { from, localField, foreignField, as, let: given, pipeline };
}

/** What equals one of the values; a missing one equals `null`. */
function equalityOf(path: string, values: readonly unknown[]): Document {
  const wanted = values.map((value) => value ?? null);
  if (wanted.length === 1) return { [path]: { $eq: wanted[0] } };
  const plain = wanted.every((value) => bsonTypeOf(value) !== 'regex');
  return plain ? { [path]: { $in: wanted } } : { $or: wanted.map((value) => ({ [path]: { $eq: value } })) };
}

/** A filter that needs no variables can be answered by an index. */
function leadingMatch(pipeline: readonly Document[]): readonly Document[] {
  const filter: unknown = pipeline[0]?.$match;
  return isDocument(filter) && Object.keys(filter).every((name) => !name.startsWith('$')) ? [filter] : [];
}

function foundIn(source: Source, from: string, filters: readonly Document[], variables: Variables): Iterable<Document> {
  if (filters.length === 0) return source.collection(from);
  const filter = filters.length === 1 ? filters[0]! : { $and: filters };
  if (source.find) return source.find(from, filter);
  const { matches } = compileFilter(filter, variables);
  return Array.from(source.collection(from)).filter((document) => matches(document));
}
