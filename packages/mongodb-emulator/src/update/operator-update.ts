import type { Document } from 'bson';
import type { Variables } from '../query/variables.js';
import { CODES, ServerError } from '../server-error.js';
import { bsonTypeOf, isDocument } from '../values/bson-type.js';
import { describe } from '../values/describe.js';
import { addingToSet, popping, pulling, pullingAll, pushing } from './array-operators.js';
import type { ElementTest } from './array-filters.js';
import { compileArrayFilters } from './array-filters.js';
import type { Change } from './change-at.js';
import { changeAt } from './change-at.js';
import { expandPath } from './expand-path.js';
import { changingBits, incrementing, keepingExtreme, multiplying, setting, settingCurrentDate, UNSETTING } from './field-operators.js';
import { refuseNewId, withIdFirst } from './immutable-id.js';
import { compileRename } from './rename.js';
import type { UpdatePath } from './update-path.js';
import { compareUpdatePaths, isPositional, notePath, parseUpdatePath } from './update-path.js';
import type { CompiledUpdate, UpdateOptions } from './compiled-update.js';

/** `{ $set: …, $inc: … }`. The operators' fields are changed in the order of their paths. */
export function compileOperatorUpdate(update: Document, { arrayFilters = [], variables }: UpdateOptions): CompiledUpdate {
  const filters = compileArrayFilters(arrayFilters, variables);
  const parts = partsOf(update, variables);
  refuseConflicts(parts);
  checkIdentifiers(parts, filters, update);
  const ordered = parts.toSorted((a, b) => compareUpdatePaths(a.order, b.order));
  const onUpdate = ordered.filter(({ onlyInserting }) => !onlyInserting);
  const positional = ordered.some(({ path }) => path && isPositional(path));
  return {
    replacement: false,
    apply(document, inserting, arrayIndex) {
      const context: Context = { original: document, arrayIndex, filters, changed: positional ? [] : undefined };
      let current = document;
      for (const part of inserting ? ordered : onUpdate) current = part.apply(current, context);
      refuseNewId(document, current, (was) => `Performing an update on the path '${was}' would modify the immutable field '_id'`);
      return inserting ? withIdFirst(current) : current;
    },
  };
}

/** What one operator does to one field. */
interface Part {
  /** Paths that no other part may touch. */
  readonly claims: readonly string[];
  readonly order: string;
  readonly path?: UpdatePath;
  readonly onlyInserting: boolean;
  apply(document: Document, context: Context): Document;
}

interface Context {
  readonly original: Document;
  readonly arrayIndex: number | undefined;
  readonly filters: ReadonlyMap<string, ElementTest>;
  /** Where positional paths led; two parts must not meet. */
  readonly changed: string[] | undefined;
}

function partsOf(update: Document, variables: Variables): readonly Part[] {
  return Object.entries(update).flatMap(([operator, fields]: [string, unknown]) => {
    const make = makerOf(operator, variables);
    if (!isDocument(fields)) {
      throw new ServerError(
        CODES.FailedToParse,
        `Modifiers operate on fields but we found type ${bsonTypeOf(fields)} instead. For example: {$mod: {<field>: ...}} not {${operator}: ${describe(fields)}}`,
      );
    }
    return Object.entries(fields).map(([field, operand]: [string, unknown]) => make(field, operand));
  });
}

type Make = (field: string, operand: unknown) => Part;

function makerOf(operator: string, variables: Variables): Make {
  if (operator === '$rename') return renamePart;
  const changeOf = changeMakerOf(operator, variables);
  return (field, operand) => fieldPart(parseUpdatePath(field), changeOf(operand, field), operator === '$setOnInsert');
}

function changeMakerOf(operator: string, variables: Variables): (operand: unknown, field: string) => Change {
  switch (operator) {
    case '$set':
    case '$setOnInsert':
      return setting;
    case '$unset':
      return () => UNSETTING;
    case '$inc':
      return incrementing;
    case '$mul':
      return multiplying;
    case '$min':
      return (operand) => keepingExtreme(operand, -1);
    case '$max':
      return (operand) => keepingExtreme(operand, 1);
    case '$currentDate':
      return (operand) => settingCurrentDate(operand, variables);
    case '$bit':
      return changingBits;
    case '$push':
      return pushing;
    case '$addToSet':
      return addingToSet;
    case '$pull':
      return (operand) => pulling(operand, variables);
    case '$pullAll':
      return pullingAll;
    case '$pop':
      return popping;
    default:
      throw new ServerError(
        CODES.FailedToParse,
        `Unknown modifier: ${operator}. Expected a valid update modifier or pipeline-style update specified as an array`,
      );
  }
}

function fieldPart(path: UpdatePath, change: Change, onlyInserting: boolean): Part {
  const names = path.text.split('.');
  const apply = isPositional(path)
    ? (document: Document, context: Context): Document => {
        let current = document;
        for (const place of expandPath(path, document, context)) {
          notePath(context.changed!, place.join('.'), (conflict) => `Update created a conflict at '${conflict}'`);
          current = changeAt(current, place, change, context.original);
        }
        return current;
      }
    : (document: Document, { original, changed }: Context): Document => {
        if (changed) notePath(changed, path.text, (conflict) => `Update created a conflict at '${conflict}'`);
        return changeAt(document, names, change, original);
      };
  return { claims: [path.text], order: path.text, path, onlyInserting, apply };
}

function renamePart(field: string, operand: unknown): Part {
  const rename = compileRename(field, operand);
  return {
    claims: [rename.from, rename.to],
    order: rename.to,
    onlyInserting: false,
    apply: (document, { original }) => rename.apply(document, original),
  };
}

function refuseConflicts(parts: readonly Part[]): void {
  const noted: string[] = [];
  for (const { claims } of parts) {
    for (const path of claims) notePath(noted, path, (conflict) => `Updating the path '${path}' would create a conflict at '${conflict}'`);
  }
}

function checkIdentifiers(parts: readonly Part[], filters: ReadonlyMap<string, ElementTest>, update: Document): void {
  const used = new Set<string>();
  for (const { path } of parts) {
    for (const step of path?.steps ?? []) {
      if (step.kind !== 'filtered') continue;
      used.add(step.id);
      if (filters.has(step.id)) continue;
      throw new ServerError(CODES.BadValue, `No array filter found for identifier '${step.id}' in path '${path!.text}'`);
    }
  }
  const unused = [...filters.keys()].find((id) => !used.has(id));
  if (unused === undefined) return;
  throw new ServerError(CODES.FailedToParse, `The array filter for identifier '${unused}' was not used in the update ${describe(update)}`);
}
