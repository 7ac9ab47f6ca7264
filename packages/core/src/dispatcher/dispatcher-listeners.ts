import type { Logger } from '../logger.js';
import type { DispatcherEvent, DispatcherEvents } from './dispatcher-events.js';

type Listeners<RouteName extends string> = {
  [Name in keyof DispatcherEvents]?: Set<(event: DispatcherEvents<RouteName>[Name]) => void>;
};

/** Whoever listens to a dispatcher, the logger first. */
export class DispatcherListeners<RouteName extends string> {
  readonly #listeners: Listeners<RouteName> = {};

  constructor(private readonly logger: Logger) {}

  /** Calls `listener` on every such event, in order. The returned function ends that. */
  on<Name extends keyof DispatcherEvents>(name: Name, listener: (event: DispatcherEvents<RouteName>[Name]) => void): () => void {
    const listeners = (this.#listeners[name] ??= new Set() as NonNullable<Listeners<RouteName>[Name]>);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** A listener that throws keeps the event from nobody, and stops no lane. */
  tell({ name, event }: DispatcherEvent): void {
    log(this.logger, name, event);
    for (const listener of this.#listeners[name] ?? []) {
      try {
        (listener as (told: typeof event) => void)(event);
      } catch (error) {
        this.logger.error({ error, name }, 'A listener of the dispatcher threw');
      }
    }
  }
}

function log(logger: Logger, name: DispatcherEvent['name'], event: object): void {
  if (name === 'halted') logger.error(event, 'A lane halted: fix the cause, then resume it, or skip the message with a reason');
  else if (name === 'stream-halted' || name === 'parked')
    logger.error(event, 'A stream stopped: fix the cause, then redrive it, or skip the message with a reason');
  else if (
    name === 'discarded' ||
    name === 'outage' ||
    name === 'waiting' ||
    name === 'trouble' ||
    name === 'lease-lost' ||
    name === 'order-refused'
  )
    logger.warn(event, name);
  else if (name === 'delivered') logger.debug(event, name);
  else logger.info(event, name);
}
