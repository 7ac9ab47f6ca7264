import { eventTypeFilter, excludeSystemEvents, streamNameFilter } from '@eventstore/db-client';
import type { Filter, RecordedEvent } from '@eventstore/db-client';
import { InvalidOptionsError } from '@waybill/core';

/** What of EventStoreDB to follow or to receive. */
export type SubscriptionTarget =
  /** One stream, also one that a projection of the server writes, e.g. `$ce-order` with `resolveLinks`. */
  | { readonly stream: string }
  /** All streams whose names begin with the category and a hyphen: `order` has `order-1`, and `order-line-1`. Needs no projection. */
  | { readonly category: string }
  /** All streams but the system's; with `types`, only events of exactly these, which the server picks out. */
  | { readonly all: { readonly types?: readonly string[] } };

/** A target, and what follows from it. */
export interface Selection {
  /** `category order of EventStoreDB`. */
  readonly name: string;
  /** `undefined`: the positions are those of `$all`. */
  readonly stream: string | undefined;
  selectsStream(stream: string): boolean;
  selects(event: RecordedEvent): boolean;
  /** For `$all`: what the server leaves out. It may leave more in than is selected. */
  filter(types: readonly string[] | undefined): Filter;
}

// Of how many events that it leaves out a server tells at once how far it has looked.
const SEARCH_WINDOW = { maxSearchWindow: 100, checkpointInterval: 1 };

/** @throws {@link InvalidOptionsError} */
export function selectionOf(target: SubscriptionTarget): Selection {
  if ('stream' in target) return streamSelection(target.stream);
  if ('category' in target) return categorySelection(target.category);
  if ('all' in target) return allSelection(target.all.types);
  throw new InvalidOptionsError('Say what of EventStoreDB is wanted: { stream }, { category } or { all: {} }.');
}

function streamSelection(stream: string): Selection {
  checkName('stream', stream);
  if (stream === '$all') throw new InvalidOptionsError('"$all" is no stream of its own; ask for { all: {} }.');
  const selectsStream = (name: string): boolean => name === stream;
  return {
    name: `stream ${stream} of EventStoreDB`,
    stream,
    selectsStream,
    selects: ({ type }) => !isSystems(type),
    filter: () => excludeSystemEvents(SEARCH_WINDOW),
  };
}

function categorySelection(category: string): Selection {
  checkName('category', category);
  if (isSystems(category)) throw new InvalidOptionsError(`Category "${category}" is the system's: only streams of applications have one.`);
  const prefix = `${category}-`;
  const selectsStream = (name: string): boolean => name.startsWith(prefix);
  return {
    name: `category ${category} of EventStoreDB`,
    stream: undefined,
    selectsStream,
    selects: ({ streamId, type }) => selectsStream(streamId) && !isSystems(type),
    filter: () => streamNameFilter({ ...SEARCH_WINDOW, prefixes: [prefix] }),
  };
}

function allSelection(types: readonly string[] | undefined): Selection {
  if (types?.length === 0)
    throw new InvalidOptionsError('The list of types is empty: nothing would ever come. Leave it out for all types.');
  for (const type of types ?? []) {
    checkName('type', type);
    if (isSystems(type))
      throw new InvalidOptionsError(`Type "${type}" is the system's, whose events are left out. Name types of applications.`);
  }
  const selected = types && new Set(types);
  return {
    name: '$all of EventStoreDB',
    stream: undefined,
    selectsStream: (stream) => !isSystems(stream),
    selects: ({ streamId, type }) => !isSystems(streamId) && !isSystems(type) && (selected?.has(type) ?? true),
    filter: (wanted) => {
      const picked = selected && wanted ? wanted.filter((type) => selected.has(type)) : wanted;
      const prefixes = picked?.length ? picked : types; // prefixes need no escaping; what has one and is another type is passed by
      return prefixes?.length ? eventTypeFilter({ ...SEARCH_WINDOW, prefixes: [...prefixes] }) : excludeSystemEvents(SEARCH_WINDOW);
    },
  };
}

const isSystems = (name: string): boolean => name.startsWith('$');

function checkName(what: string, name: unknown): void {
  if (typeof name !== 'string' || name === '' || name.includes('\0') || !name.isWellFormed())
    throw new InvalidOptionsError(`A ${what} ${JSON.stringify(name)} cannot be subscribed to: pass the name of one, as text.`);
}
