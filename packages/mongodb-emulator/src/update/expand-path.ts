import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { isDocument } from '../values/bson-type.js';
import { describe } from '../values/describe.js';
import { fieldOf, isArrayIndex } from '../values/path.js';
import type { ElementTest } from './array-filters.js';
import type { UpdatePath } from './update-path.js';

export interface Expansion {
  /** What `$` stands for. */
  readonly arrayIndex: number | undefined;
  readonly filters: ReadonlyMap<string, ElementTest>;
}

/** @returns the places in the document that the path stands for, without `$`, `$[]` and `$[id]` */
export function expandPath(path: UpdatePath, document: Document, { arrayIndex, filters }: Expansion): readonly (readonly string[])[] {
  let places: readonly Place[] = [{ names: [], value: document }];
  for (const step of path.steps) {
    places = places.flatMap((place) => {
      switch (step.kind) {
        case 'name':
          return [below(place, step.name)];
        case 'matched':
          if (arrayIndex === undefined) {
            throw new ServerError(CODES.BadValue, 'The positional operator did not find the match needed from the query.');
          }
          return [below(place, String(arrayIndex))];
        case 'every':
          return elementsOf(place).map((_, at) => below(place, String(at)));
        case 'filtered': {
          const test = filters.get(step.id)!;
          return elementsOf(place).flatMap((element, at) => (test(element) ? [below(place, String(at))] : []));
        }
      }
    });
  }
  return places.map(({ names }) => names);
}

interface Place {
  readonly names: readonly string[];
  readonly value: unknown;
}

function below({ names, value }: Place, name: string): Place {
  return { names: [...names, name], value: valueIn(value, name) };
}

function valueIn(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return isArrayIndex(name) ? (value[Number(name)] as unknown) : undefined;
  return isDocument(value) ? fieldOf(value, name) : undefined;
}

function elementsOf({ names, value }: Place): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value === undefined) {
    throw new ServerError(CODES.BadValue, `The path '${names.join('.')}' must exist in the document in order to apply array updates.`);
  }
  throw new ServerError(CODES.BadValue, `Cannot apply array updates to non-array element ${names.at(-1)!}: ${describe(value)}`);
}
