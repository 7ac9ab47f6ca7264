import type { Document } from 'bson';
import { equalValues } from '../values/compare.js';

/** What an update changed, as change streams tell it: dotted paths, and values after the update. */
export interface UpdateDescription {
  readonly updatedFields: Document;
  readonly removedFields: readonly string[];
  readonly truncatedArrays: readonly { readonly field: string; readonly newSize: number }[];
}

interface Changes extends UpdateDescription {
  readonly removedFields: string[];
  readonly truncatedArrays: { readonly field: string; readonly newSize: number }[];
}

export function describeUpdate(before: Document, after: Document): UpdateDescription {
  const changes: Changes = { updatedFields: {}, removedFields: [], truncatedArrays: [] };
  describeFields(before, after, '', changes);
  return changes;
}

function describeFields(before: Document, after: Document, prefix: string, changes: Changes): void {
  for (const field of Object.keys(before)) {
    if (!Object.hasOwn(after, field)) changes.removedFields.push(prefix + field);
  }
  for (const [field, value] of Object.entries(after) as [string, unknown][]) {
    const path = prefix + field;
    if (Object.hasOwn(before, field)) describeValue(before[field], value, path, changes);
    else changes.updatedFields[path] = value;
  }
}

function describeValue(before: unknown, after: unknown, path: string, changes: Changes): void {
  if (before === after || equalValues(before, after)) return;
  if (isPlain(before) && isPlain(after)) return describeFields(before, after, `${path}.`, changes);
  if (Array.isArray(before) && Array.isArray(after)) return describeElements(before, after, path, changes);
  changes.updatedFields[path] = after;
}

function describeElements(before: readonly unknown[], after: readonly unknown[], path: string, changes: Changes): void {
  if (after.length < before.length) changes.truncatedArrays.push({ field: path, newSize: after.length });
  after.forEach((value, at) => {
    if (at < before.length) describeValue(before[at], value, `${path}.${at}`, changes);
    else changes.updatedFields[`${path}.${at}`] = value;
  });
}

function isPlain(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
