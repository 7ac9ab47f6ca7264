import type { Document } from 'bson';
import { compileFilter } from '../query/filter.js';
import { sortDocuments } from '../query/sort.js';
import type { Variables } from '../query/variables.js';
import { CODES, ServerError } from '../server-error.js';
import { bsonTypeOf, isDocument } from '../values/bson-type.js';
import { describe } from '../values/describe.js';
import { int, intOrLong, numberTypeOf, toInteger } from '../values/number.js';
import { group } from './stages/group.js';
import type { RunPipeline } from './stages/lookup.js';
import { lookup } from './stages/lookup.js';
import type { Source, Stage } from './stages/stage.js';
import { transformOf } from './stages/transforms.js';
import { unwind } from './stages/unwind.js';

export type { Source } from './stages/stage.js';

/** @throws {@link ServerError} a stage is not valid, at once; or an expression fails, while the result is read */
export function runPipeline(
  stages: readonly Document[],
  input: Iterable<Document>,
  source: Source,
  variables: Variables,
): Iterable<Document> {
  const run: RunPipeline = (inner, documents, bound) => runPipeline(inner, documents, source, bound);
  const context: Context = { source, variables, run };
  return stages.map((stage) => compileStage(stage, context)).reduce((documents, stage) => stage(documents), input);
}

interface Context {
  readonly source: Source;
  readonly variables: Variables;
  readonly run: RunPipeline;
}

function compileStage(stage: unknown, context: Context): Stage {
  if (!isDocument(stage) || Object.keys(stage).length !== 1) {
    throw new ServerError(40323, 'A pipeline stage specification object must contain exactly one field.');
  }
  const [name] = Object.keys(stage);
  const operand: unknown = stage[name!];
  const transform = transformOf(name!, operand, context.variables);
  if (transform) return mapping(transform);
  switch (name) {
    case '$match':
      return match(operand, context.variables);
    case '$sort':
      return sort(operand);
    case '$limit':
      return limit(countFor('$limit', operand));
    case '$skip':
      return skip(countFor('$skip', operand));
    case '$count':
      return count(operand);
    case '$group':
      return group(operand, context.variables);
    case '$sortByCount':
      return sortByCount(operand, context.variables);
    case '$unwind':
      return unwind(operand);
    case '$lookup':
      return lookup(operand, context);
    case '$unionWith':
      return unionWith(operand, context);
    case '$facet':
      return facet(operand, context);
    default:
      throw new ServerError(40324, `Unrecognized pipeline stage name: '${name!}'`);
  }
}

function mapping(transform: (document: Document) => Document): Stage {
  return function* (input) {
    for (const document of input) yield transform(document);
  };
}

function match(operand: unknown, variables: Variables): Stage {
  if (!isDocument(operand)) throw new ServerError(15959, 'the match filter must be an expression in an object');
  const { matches } = compileFilter(operand, variables);
  return function* (input) {
    for (const document of input) {
      if (matches(document)) yield document;
    }
  };
}

function sort(operand: unknown): Stage {
  if (!isDocument(operand)) throw new ServerError(15973, 'the $sort key specification must be an object');
  if (Object.keys(operand).length === 0) throw new ServerError(15976, '$sort stage must have at least one sort key');
  sortDocuments([], operand); // what is wrong with it shows now
  return function* (input) {
    yield* sortDocuments(input, operand);
  };
}

function limit(most: number): Stage {
  if (most === 0) throw new ServerError(15958, 'the limit must be positive');
  return function* (input) {
    let taken = 0;
    for (const document of input) {
      yield document;
      taken += 1;
      if (taken === most) return;
    }
  };
}

function skip(number: number): Stage {
  return function* (input) {
    let passed = 0;
    for (const document of input) {
      if (passed < number) passed += 1;
      else yield document;
    }
  };
}

function countFor(name: string, operand: unknown): number {
  const value = numberTypeOf(operand) === undefined ? undefined : toInteger(operand);
  const [code, message] = name === '$limit' ? [5107201, 'Expected an integer'] : [5107200, 'Expected an integer'];
  if (value === undefined) throw new ServerError(code, `invalid argument to ${name} stage: ${message}: ${name}: ${describe(operand)}`);
  if (value < 0n)
    throw new ServerError(code, `invalid argument to ${name} stage: Expected a non-negative number in: ${name}: ${describe(operand)}`);
  return Number(value);
}

function count(operand: unknown): Stage {
  if (typeof operand !== 'string') throw new ServerError(40156, 'the count field must be a non-empty string');
  if (operand === '') throw new ServerError(40157, 'the count field must be a non-empty string');
  if (operand.startsWith('$')) throw new ServerError(40158, 'the count field cannot be a $-prefixed path');
  if (operand.includes('.')) throw new ServerError(40160, "the count field cannot contain '.'");
  return function* (input) {
    let found = 0n;
    for (const _ of input) found += 1n;
    if (found > 0n) yield { [operand]: intOrLong(found) };
  };
}

function sortByCount(operand: unknown, variables: Variables): Stage {
  const isExpression =
    typeof operand === 'string' ? operand.startsWith('$') : isDocument(operand) && Object.keys(operand)[0]?.startsWith('$');
  if (!isExpression) throw new ServerError(40148, 'the sortByCount field must be defined as a $-prefixed path or an expression object');
  const grouped = group({ _id: operand, count: { $sum: int(1) } }, variables);
  return (input) => sort({ count: int(-1) })(grouped(input));
}

function unionWith(operand: unknown, { source, variables, run }: Context): Stage {
  if (typeof operand !== 'string' && !isDocument(operand)) {
    throw new ServerError(
      CODES.FailedToParse,
      `the $unionWith stage specification must be an object or string, but found ${bsonTypeOf(operand)}`,
    );
  }
  const { coll, pipeline = [] } = (typeof operand === 'string' ? { coll: operand } : operand) as { coll?: string; pipeline?: Document[] };
  if (typeof coll !== 'string') throw new ServerError(CODES.FailedToParse, "$unionWith: this server needs 'coll'");
  run(pipeline, [], variables);
  return function* (input) {
    yield* input;
    yield* run(pipeline, inputOf(coll, pipeline, source), variables);
  };
}

/** What a pipeline on a collection begins with: by an index, where its leading `$match` can use one. The `$match` itself stays. */
function inputOf(collection: string, [first]: readonly Document[], source: Source): Iterable<Document> {
  const filter: unknown = first?.$match;
  return source.find && isDocument(filter) ? source.find(collection, filter) : source.collection(collection);
}

function facet(operand: unknown, { variables, run }: Context): Stage {
  if (!isDocument(operand) || Object.keys(operand).length === 0) {
    throw new ServerError(40169, 'the $facet specification must be a non-empty object');
  }
  const facets = Object.entries(operand).map(([name, stages]: [string, unknown]) => {
    if (!Array.isArray(stages)) throw new ServerError(40170, `arguments to $facet must be arrays, ${name} is type ${bsonTypeOf(stages)}`);
    run(stages as Document[], [], variables);
    return { name, stages: stages as Document[] };
  });
  return function* (input) {
    const documents = [...input];
    yield Object.fromEntries(facets.map(({ name, stages }) => [name, [...run(stages, documents, variables)]]));
  };
}
