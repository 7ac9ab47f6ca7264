import { InvalidOptionsError } from '../errors.js';
import type { MessageDefinition } from '../message/definition.js';
import { DecoratedMethods } from './decorated-methods.js';
import type { DecoratedMethod } from './decorated-methods.js';
import type { HandlerFailurePolicy, HandlerRetry } from './handler-retry.js';

/** Of our own messages, after their commit; or of what arrives from elsewhere. */
export type HandlerKind = 'outbox' | 'inbox';

export const DECORATORS: Readonly<Record<HandlerKind, string>> = { outbox: '@OutboxHandler', inbox: '@InboxHandler' };

/** What a decorator said about one method. */
export interface HandlerDeclaration {
  readonly kind: HandlerKind;
  readonly name: string;
  readonly twoStep?: boolean;
  readonly timeoutMs?: number;
  readonly retry?: HandlerRetry;
  readonly onFailure?: HandlerFailurePolicy;
  readonly events: readonly MessageDefinition[];
  /** Name of the decorated method. */
  readonly property: string | symbol;
}

export type FoundHandler = DecoratedMethod<HandlerDeclaration>;

/** Key of the method by which an object says itself which handlers it has, instead of having decorated methods: a process manager does. */
export const ownHandlers = Symbol('handlers');

export interface HasOwnHandlers<Tx> {
  [ownHandlers](kind: HandlerKind): OwnHandlers<Tx>;
}

export type OwnHandlers<Tx> = readonly FoundHandler[] & {
  /** Compile-time only: the transaction that they want. */
  want?(tx: Tx): void;
};

/** What `@OutboxHandler` and `@InboxHandler` said. */
export const decoratedHandlers = new DecoratedMethods<HandlerDeclaration>(
  ({ name, kind }) => `handler "${name}" without ${DECORATORS[kind]}`,
);

/**
 * The methods of an object that are decorated for this kind, its classes' inherited ones included.
 *
 * @throws {@link InvalidOptionsError} it has none, or an override lost its decorator
 */
export function handlersOf(target: object, kind: HandlerKind): readonly FoundHandler[] {
  const found = ownHandlers in target ? (target as HasOwnHandlers<never>)[ownHandlers](kind) : decoratedHandlers.of(target);
  const wanted = found.filter((handler) => handler.kind === kind);
  if (wanted.length === 0) throw new InvalidOptionsError(nothingIn(target, kind, found));
  return wanted;
}

const PLACES: Readonly<Record<HandlerKind, string>> = {
  outbox: 'which are for messages of our own; pass it to a HandlerSink',
  inbox:
    'which are for what arrives from elsewhere; pass it to InboxHandlers, or to a HandlerSink with { kind: "inbox" } over an arrival log',
};

function nothingIn(target: object, kind: HandlerKind, [other]: readonly FoundHandler[]): string {
  const decorator = DECORATORS[kind];
  if (typeof target === 'function') return `${target.name} is a class, and handlers are instances: pass new ${target.name}(...).`;
  if (other) return `${nameOf(target)} has no method with ${decorator}, only such with ${DECORATORS[other.kind]}, ${PLACES[other.kind]}.`;
  return `${nameOf(target)} has no method with ${decorator}. Does another decorator stand above ${decorator} and replace the method?`;
}

const nameOf = (target: object): string => target.constructor.name;
