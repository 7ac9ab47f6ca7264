import type { Readable } from 'node:stream';
import type { Clock } from '@waybill/core';
import type { CurrentClient } from './current-client.js';
import { Watch } from './watch.js';

export interface PullOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** How long one wait for the next item may take before {@link PullOptions.onSilence} is called. */
  readonly silenceMs: number;
  /** Called again after as long. What it throws ends the read. The time that the caller takes with an item does not count. */
  readonly onSilence: () => void | Promise<void>;
  /** Ends the call at the server. */
  readonly cancel: () => Promise<unknown>;
}

/** What a call of the client hands out, as it is asked for; whoever stops asking ends the call. Rejects with the signal's reason. */
export async function* pull<Item>(current: CurrentClient, reading: Readable, options: PullOptions): AsyncGenerator<Item> {
  const { clock, signal, silenceMs, onSilence, cancel } = options;
  current.keep(reading);
  reading.on('error', () => {}); // one that comes after we stopped listening would end the process
  // Not awaited: it waits for a connection. Without it the call stays open.
  let isCancelled = false;
  const end = (): void => {
    if (!isCancelled) cancel().catch(() => {});
    isCancelled = true;
  };
  const giveUp = (): void => {
    reading.destroy(signal!.reason as Error);
    end(); // whoever aborts need not ask for the next item
  };
  signal?.addEventListener('abort', giveUp, { once: true });
  if (signal?.aborted) giveUp();
  const watch = new Watch(clock, silenceMs, () => {
    Promise.resolve()
      .then(onSilence)
      .catch((error: Error) => reading.destroy(error));
  });
  reading.once('close', () => watch.stop()); // also when nobody asks for more

  const items = reading[Symbol.asyncIterator]() as AsyncIterator<Item>;
  try {
    for (;;) {
      watch.begin();
      const next = await items.next();
      watch.pause();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    watch.stop();
    signal?.removeEventListener('abort', giveUp);
    end();
    reading.destroy();
  }
}
