import type { Logger } from '../logger.js';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Whoever listens to what follows a log, the logger first. */
export class Listeners<Events extends object> {
  readonly #listeners: { [Name in keyof Events]?: Set<(event: Events[Name]) => void> } = {};

  /** @param levels - at which level the logger hears of an event; `info` where nothing is said */
  constructor(
    private readonly logger: Logger,
    private readonly levels: { readonly [Name in keyof Events]?: Level },
  ) {}

  /** Calls `listener` on every such event, in order. The returned function ends that. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const listeners = (this.#listeners[name] ??= new Set<(event: Events[Name]) => void>());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** A listener that throws keeps the event from nobody, and stops nothing. */
  tell<Name extends keyof Events & string>(name: Name, event: Events[Name]): void {
    this.logger[this.levels[name] ?? 'info'](event as object, name);
    for (const listener of this.#listeners[name] ?? []) {
      try {
        listener(event);
      } catch (error) {
        this.logger.error({ error, name }, 'A listener threw');
      }
    }
  }
}
