const listened = new WeakMap<AbortSignal, Listener>();

/**
 * Calls `act` when `signal` aborts, at once if it has. The returned function ends that.
 *
 * A lane has one signal for all its calls, and one listener stands there for all of them: Node warns of a leak where there are more than ten,
 * and looks through all of them for each that comes or goes.
 */
export function whenAborted(signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) {
    act();
    return () => {};
  }
  let listener = listened.get(signal);
  if (listener === undefined) listened.set(signal, (listener = new Listener(signal)));
  return listener.add(act);
}

class Listener {
  readonly #acts = new Set<{ readonly act: () => void }>();

  constructor(private readonly signal: AbortSignal) {}

  add(act: () => void): () => void {
    if (this.#acts.size === 0) this.signal.addEventListener('abort', this.#fire);
    const one = { act };
    this.#acts.add(one);
    return () => {
      // With a listener left on it, Node keeps a signal that was combined of others.
      if (this.#acts.delete(one) && this.#acts.size === 0) this.signal.removeEventListener('abort', this.#fire);
    };
  }

  readonly #fire = (): void => {
    for (const { act } of this.#acts) act();
  };
}
