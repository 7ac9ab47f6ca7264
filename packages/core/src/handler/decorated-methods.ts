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
  /** What was decorated, by prototype in legacy mode and by instance in standard mode, which knows no prototype. */
  readonly #decorated = new WeakMap<object, Decorated<Declaration>[]>();

  /** @param named - a declaration in an error: `handler "send-receipt" without @OutboxHandler` */
  constructor(private readonly named: (declaration: Declaration) => string) {}

  /** A decorator, in both modes, that remembers what `declarationOf` makes of the method's name. */
  decorator(declarationOf: (property: string | symbol) => Declaration) {
    return (target: unknown, where: string | symbol | ClassMethodDecoratorContext, descriptor?: PropertyDescriptor): void => {
      const method = (descriptor ? descriptor.value : target) as Method;
      const property = typeof where === 'object' ? where.name : where;
      const declaration = declarationOf(property);
      refuseWhatIsNeverCalled(property, method, typeof where === 'object' ? where : { static: typeof target === 'function' });
      this.#declarations.set(method, [...(this.#declarations.get(method) ?? []), declaration]);
      const remember = (owner: object): void =>
        void this.#decorated.set(owner, [...(this.#decorated.get(owner) ?? []), { property, method, declaration }]);
      if (typeof where !== 'object') return remember(target as object);
      where.addInitializer(function (this: unknown) {
        remember(this as object);
      });
    };
  }

  /**
   * The decorated methods of an object, its classes' inherited ones included.
   *
   * @throws {@link InvalidOptionsError} an override lost its decorator, or another decorator has replaced the method
   */
  of(target: object): readonly DecoratedMethod<Declaration>[] {
    const methods = new Map<string | symbol, Method>();
    const found: DecoratedMethod<Declaration>[] = [];
    const decorated: Decorated<Declaration>[] = [];
    const seen = new Set<unknown>();
    for (
      let prototype: object | null = target;
      prototype && prototype !== Object.prototype;
      prototype = Object.getPrototypeOf(prototype) as object | null
    ) {
      decorated.push(...(this.#decorated.get(prototype) ?? []));
      for (const property of Reflect.ownKeys(prototype)) {
        const method: unknown = Object.getOwnPropertyDescriptor(prototype, property)?.value;
        if (typeof method !== 'function' || property === 'constructor') continue;
        seen.add(method);
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
    const replaced = decorated.find(({ method }) => !seen.has(method));
    if (replaced)
      throw new InvalidOptionsError(
        `Another decorator replaces ${target.constructor.name}.${String(replaced.property)}() and leaves ${this.named(replaced.declaration)}, so it would never be called. Put that decorator below.`,
      );
    return found;
  }
}

interface Decorated<Declaration> {
  readonly property: string | symbol;
  readonly method: Method;
  readonly declaration: Declaration;
}

function refuseWhatIsNeverCalled(
  property: string | symbol,
  method: unknown,
  { static: isStatic, private: isPrivate = false }: { readonly static: boolean; readonly private?: boolean },
): void {
  if (!isStatic && !isPrivate && typeof method === 'function') return;
  const what = isStatic ? 'static' : isPrivate ? 'private' : 'no method';
  throw new InvalidOptionsError(`${String(property)} is decorated and ${what}, so it would never be called. Decorate a public method.`);
}
