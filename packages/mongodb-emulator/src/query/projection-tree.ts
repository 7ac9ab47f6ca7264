import type { Document } from 'bson';
import type { Evaluate, Frame } from '../aggregation/evaluate.js';
import { ServerError } from '../server-error.js';
import { fieldsOf, isDocument } from '../values/bson-type.js';

/** What becomes of one field. `present` is of its value; `computed` is a new one, made of the whole document. */
export type Leaf =
  | { readonly kind: 'include' | 'exclude' }
  | { readonly kind: 'computed'; readonly evaluate: Evaluate }
  | { readonly kind: 'present'; readonly change: (value: unknown, document: Document) => unknown };

/** Fields by name, with what becomes of them; some are documents of which only parts are meant. */
export interface Branch {
  readonly kind: 'branch';
  readonly fields: Map<string, Leaf | Branch>;
}

/** @throws {@link ServerError} a part of the path is already spoken for as a whole, or the other way round */
export function plant(root: Branch, path: string, leaf: Leaf): void {
  const parts = path.split('.');
  const last = parts.pop()!;
  let branch = root;
  parts.forEach((part, at) => {
    const next = branch.fields.get(part) ?? newBranch();
    if (next.kind !== 'branch')
      throw collision(
        path,
        parts
          .slice(at + 1)
          .concat(last)
          .join('.'),
      );
    branch.fields.set(part, next);
    branch = next;
  });
  if (branch.fields.has(last)) throw new ServerError(31250, `Path collision at ${path}`);
  branch.fields.set(last, leaf);
}

export function newBranch(): Branch {
  return { kind: 'branch', fields: new Map() };
}

/** @returns the part of a document that a branch leaves; `keep` tells what becomes of fields that it does not name */
export function prune(branch: Branch, document: Document, keep: boolean, root: Document = document): Document {
  const kept: Document = {};
  const fields = fieldsOf(document);
  for (const name of Object.keys(fields)) {
    const value: unknown = fields[name];
    const rule = branch.fields.get(name);
    const next = rule ? ruled(rule, value, keep, root) : keep ? value : undefined;
    if (next !== undefined) kept[name] = next;
  }
  return kept;
}

/** @returns the document with the branch's computed fields, each at its old place or else at the end */
export function compute(branch: Branch, document: Document, frame: Frame): Document {
  const made: Document = { ...document };
  for (const [name, rule] of branch.fields) {
    const present: unknown = made[name];
    const value = rule.kind === 'branch' ? computedInside(rule, present, frame) : rule.kind === 'computed' ? rule.evaluate(frame) : present;
    if (value === undefined) delete made[name];
    else made[name] = value;
  }
  return made;
}

export function hasComputed(branch: Branch): boolean {
  return [...branch.fields.values()].some((rule) => rule.kind === 'computed' || (rule.kind === 'branch' && hasComputed(rule)));
}

function ruled(rule: Leaf | Branch, value: unknown, keep: boolean, root: Document): unknown {
  switch (rule.kind) {
    case 'include':
      return value;
    case 'exclude':
      return undefined;
    case 'present':
      return rule.change(value, root);
    case 'computed':
      return keep ? value : undefined;
    case 'branch':
      return prunedInside(rule, value, keep, root);
  }
}

function prunedInside(branch: Branch, value: unknown, keep: boolean, root: Document): unknown {
  if (isDocument(value)) return prune(branch, value, keep, root);
  if (!Array.isArray(value)) return keep ? value : undefined;
  return value.map((element: unknown) => prunedInside(branch, element, keep, root)).filter((element) => element !== undefined);
}

function computedInside(branch: Branch, value: unknown, frame: Frame): unknown {
  if (!hasComputed(branch)) return value;
  if (Array.isArray(value)) return value.map((element: unknown) => computedInside(branch, element, frame));
  return compute(branch, isDocument(value) ? value : {}, frame);
}

function collision(path: string, rest: string): ServerError {
  return new ServerError(31249, `Path collision at ${path} remaining portion ${rest}`);
}
