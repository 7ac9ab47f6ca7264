import { Dispatcher } from '@waybill/core';
import type { DispatcherEvents, DispatcherOptions } from '@waybill/core';
import { afterEach } from 'mocha';

/** So short that a test never waits for a retry or a poll, and long enough to see both. */
export const QUICKLY = { firstMs: 1, maxMs: 2 };

const running = new Set<Dispatcher>();

/** A dispatcher that its suite's `afterEach` stops, see {@link stopDispatchers}. */
export function aDispatcher<Route extends string>(options: DispatcherOptions<Route>): Dispatcher<Route> {
  const dispatcher = new Dispatcher({ pollMs: 50, stopWithinMs: 1_000, ...options });
  running.add(dispatcher as unknown as Dispatcher);
  return dispatcher;
}

export async function aRunningDispatcher<Route extends string>(options: DispatcherOptions<Route>): Promise<Dispatcher<Route>> {
  const dispatcher = aDispatcher(options);
  await dispatcher.start();
  return dispatcher;
}

/** Call it in the `describe`: no test leaves a dispatcher behind. */
export function stopDispatchers(): void {
  afterEach(async () => {
    for (const dispatcher of running) await dispatcher.stop();
    running.clear();
  });
}

/** The next event of this name, or the next that fits. */
export function next<Route extends string, Name extends keyof DispatcherEvents>(
  dispatcher: Dispatcher<Route>,
  name: Name,
  fits: (event: DispatcherEvents<Route>[Name]) => boolean = () => true,
): Promise<DispatcherEvents<Route>[Name]> {
  return new Promise((resolve) => {
    const off = dispatcher.on(name, (event) => {
      if (!fits(event)) return;
      off();
      resolve(event);
    });
  });
}

/** Starts it, and resolves with the first event of this name. */
export async function startUntil<Route extends string, Name extends keyof DispatcherEvents>(
  dispatcher: Dispatcher<Route>,
  name: Name,
): Promise<DispatcherEvents<Route>[Name]> {
  const event = next(dispatcher, name);
  await dispatcher.start();
  return event;
}
