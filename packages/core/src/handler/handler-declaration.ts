import { InvalidOptionsError } from '../errors.js';
import type { MessageDefinition } from '../message/definition.js';

/** What a decorator said about one method. */
export interface HandlerDeclaration {
  readonly name: string;
  readonly twoStep?: boolean;
  readonly timeoutMs?: number;
  readonly events: readonly MessageDefinition[];
  /** Name of the decorated method. */
  readonly property: string | symbol;
}

export interface FoundHandler extends HandlerDeclaration {
  readonly target: object;
  readonly method: (message: never, context: never) => Promise<unknown>;
}

type Method = (...args: never[]) => unknown;

// Keyed by the method itself, which both decorator modes hand over: a subclass inherits it, and an override is another method.
const declarations = new WeakMap<Method, readonly HandlerDeclaration[]>();

export function declareHandler(method: Method, declaration: HandlerDeclaration): void {
  declarations.set(method, [...(declarations.get(method) ?? []), declaration]);
}

/**
 * The decorated methods of an object, its classes' inherited ones included.
 *
 * @throws {@link InvalidOptionsError} it has none, or an override lost its decorator
 */
export function handlersOf(target: object): readonly FoundHandler[] {
  const methods = new Map<string | symbol, Method>();
  const found: FoundHandler[] = [];
  for (
    let prototype: object | null = target;
    prototype && prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    for (const property of Reflect.ownKeys(prototype)) {
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, property)?.value;
      if (typeof method !== 'function' || property === 'constructor') continue;
      const declared = declarations.get(method as Method) ?? [];
      const override = methods.get(property);
      if (!override) {
        methods.set(property, method as Method);
        found.push(...declared.map((declaration) => ({ ...declaration, target, method: method as FoundHandler['method'] })));
      } else if (declared.length > 0 && !declarations.has(override)) {
        throw new InvalidOptionsError(
          `${nameOf(target)}.${String(property)}() overrides handler "${declared[0]!.name}" without @OutboxHandler, so it would never be called. Decorate the override too.`,
        );
      }
    }
  }
  if (found.length === 0) {
    throw new InvalidOptionsError(
      typeof target === 'function'
        ? `${target.name} is a class, and handlers are instances: pass new ${target.name}(...).`
        : `${nameOf(target)} has no method with @OutboxHandler. Does another decorator stand above @OutboxHandler and replace the method?`,
    );
  }
  return found;
}

const nameOf = (target: object): string => target.constructor.name;
