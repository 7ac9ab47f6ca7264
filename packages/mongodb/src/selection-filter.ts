import type { Selection } from '@waybill/core';
import type { Filter } from 'mongodb';
import { literally } from './literally.js';
import type { OutboxDocument } from './stored-documents.js';

/** The rule of `selects`, as a query. */
export function selectionFilter({ types, streams }: Selection): Filter<OutboxDocument> {
  return {
    ...(types ? { type: { $in: [...types] } } : { kind: 'event' as const }),
    ...(streams && { '_id.stream': { $in: streams.map(startingWith) } }),
  };
}

const startingWith = (prefix: string): RegExp => new RegExp(`^${literally(prefix)}`);
