import { InvalidOptionsError } from '../errors.js';

export type Method = (...args: never[]) => unknown;

/** A decorated method, and what its decorator said about it. */
export type DecoratedMethod<Declaration> = Declaration & {
  readonly target: object;
  readonly method: (message: never, context: never) => Promise<unknown>;
};

/** What the decorators of one family said about methods; of both modes, standard and legacy. */
export class DecoratedMethods<Declaration extends object> {
  // Keyed by the method itself, which both decorator modes hand over: a subclass inherits it, and an override is another method.
  readonly #declarations = new WeakMap<Method, readonly Declaration[]>();

  /** @param named - a declaration in an error: `handler "send-receipt" without @OutboxHandler` */
  constructor(private readonly named: (declaration: Declaration) => string) {}

  /** A decorator, in both modes, that remembers what `declarationOf` makes of the method's name. */
  decorator(declarationOf: (property: string | symbol) => Declaration) {
    return (target: unknown, where: string | symbol | ClassMethodDecoratorContext, descriptor?: PropertyDescriptor): void => {
      const method = (descriptor ? descriptor.value : target) as Method;
      const declaration = declarationOf(typeof where === 'object' ? where.name : where);
      this.#declarations.set(method, [...(this.#declarations.get(method) ?? []), declaration]);
    };
  }

  /**
   * The decorated methods of an object, its classes' inherited ones included.
   *
   * @throws {@link InvalidOptionsError} an override lost its decorator
   */
  of(target: object): readonly DecoratedMethod<Declaration>[] {
    const methods = new Map<string | symbol, Method>();
    const found: DecoratedMethod<Declaration>[] = [];
    for (
      let prototype: object | null = target;
      prototype && prototype !== Object.prototype;
      prototype = Object.getPrototypeOf(prototype) as object | null
    ) {
      for (const property of Reflect.ownKeys(prototype)) {
        const method: unknown = Object.getOwnPropertyDescriptor(prototype, property)?.value;
        if (typeof method !== 'function' || property === 'constructor') continue;
        const declared = this.#declarations.get(method as Method) ?? [];
        const override = methods.get(property);
        if (!override) {
          methods.set(property, method as Method);
          found.push(
            ...declared.map((declaration) => ({ ...declaration, target, method: method as DecoratedMethod<Declaration>['method'] })),
          );
        } else if (declared.length > 0 && !this.#declarations.has(override)) {
          throw new InvalidOptionsError(
            `${target.constructor.name}.${String(property)}() overrides ${this.named(declared[0]!)}, so it would never be called. Decorate the override too.`,
          );
        }
      }
    }
    return found;
  }
}
