import type { Logger } from '../logger.js';
import type { ProcessEvent, ProcessEvents } from './process-events.js';

/** What a level each event is logged with; others at `info`. */
const LEVELS: { readonly [Name in keyof ProcessEvents]?: 'debug' | 'warn' | 'error' } = {
  ...{ 'timed-out': 'debug', asked: 'debug', stuck: 'error', unhandled: 'warn', trouble: 'warn' },
};

/** Whoever listens to processes, the logger first. */
export class ProcessListeners {
  readonly #listeners = new Map<string, Set<(event: never) => void>>();

  constructor(private readonly logger: Logger) {}

  on<Name extends keyof ProcessEvents>(name: Name, listener: (event: ProcessEvents[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** A listener that throws keeps the event from nobody. */
  tell({ name, event }: ProcessEvent): void {
    this.logger[LEVELS[name] ?? 'info'](event, `process: ${name}`);
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(event as never);
      } catch (error) {
        this.logger.error({ error, name }, 'A listener of processes threw');
      }
    }
  }
}
