import type { Sink } from '../sink/sink.js';
import type { DispatcherEvent } from './dispatcher-events.js';
import type { Route } from './route.js';

type Tell = (event: DispatcherEvent) => void;

/** The sinks of all routes, each of them once: one may serve several. */
export class RouteSinks {
  readonly #sinks: ReadonlySet<Sink>;

  constructor(routes: readonly Route[]) {
    this.#sinks = new Set(routes.map(({ sink }) => sink));
  }

  /** One after the other. Where one cannot start, those that have are stopped, and what it threw is thrown. */
  async start(stopping: AbortSignal, tell: Tell): Promise<void> {
    const started: Sink[] = [];
    try {
      for (const sink of this.#sinks) {
        await sink.start?.(stopping);
        started.push(sink);
      }
    } catch (error) {
      await stopAll(started, tell);
      throw error;
    }
  }

  /** All of them, also when one cannot: that is told as trouble. */
  async stop(tell: Tell): Promise<void> {
    await stopAll(this.#sinks, tell);
  }
}

async function stopAll(sinks: Iterable<Sink>, tell: Tell): Promise<void> {
  for (const sink of sinks) {
    try {
      await sink.stop?.();
    } catch (error) {
      tell({ name: 'trouble', event: { route: undefined, lane: undefined, doing: 'stopping a sink', error } });
    }
  }
}
