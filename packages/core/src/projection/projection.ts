import { InvalidOptionsError } from '../errors.js';

export interface ProjectionOptions {
  /** The durable key of the projection: its place in a log is stored under it. Never derived, never changed; renaming the class is free. */
  readonly name: string;
}

type Class = abstract new (...args: never[]) => object;

const names = new WeakMap<object, string>();
const MOST_BYTES = 180; // with the generation it must fit into the name of a subscription

/**
 * Says that a class is a projection: `@Projection({ name: 'order-list' })`, with methods that are decorated with {@link ProjectionHandler}.
 * Standard and legacy decorators alike. {@link projectorOf} makes of an instance what a unit of work and {@link Projections} take.
 *
 * @throws {@link InvalidOptionsError} no name
 */
export function Projection({ name }: ProjectionOptions): (target: Class, context?: ClassDecoratorContext) => void {
  checkProjectionName(name);
  return (target) => void names.set(target, name);
}

/** The name that its class, or the next above it that says one, was given. */
export function projectionNameOf(target: object): string | undefined {
  for (let type: unknown = target.constructor; typeof type === 'function'; type = Object.getPrototypeOf(type)) {
    const name = names.get(type);
    if (name !== undefined) return name;
  }
  return undefined;
}

/** @throws {@link InvalidOptionsError} */
export function checkProjectionName(name: unknown): void {
  if (typeof name !== 'string' || name === '')
    throw new InvalidOptionsError(
      'A projection needs a name: its place in a log is stored under it. Say @Projection({ name }) or projector(name), and never change it.',
    );
  if (name.includes('\0') || !name.isWellFormed() || Buffer.byteLength(name) > MOST_BYTES)
    throw new InvalidOptionsError(
      `The projection's name ${JSON.stringify(name.slice(0, 80))} is more than ${MOST_BYTES} bytes, or holds a NUL character or half a surrogate pair; choose another.`,
    );
}
