import { laneOf } from '../outbox/stream-hash.js';
import type { WakeHint, WakeUps } from '../outbox/wake-ups.js';
import type { InMemoryState } from './in-memory-state.js';

export class InMemoryWakeUps implements WakeUps {
  readonly #listeners = new Set<(hint: WakeHint) => void>();

  constructor(private readonly state: InMemoryState) {}

  nudge(kind: WakeHint['kind'], streamHashes: readonly number[]): void {
    const lanes = streamHashes.map((hash) => laneOf(hash, this.state.laneCount));
    for (const listener of this.#listeners) listener({ kind, lanes });
  }

  listen(onHint: (hint: WakeHint) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    this.#listeners.add(onHint);
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        this.#listeners.delete(onHint);
        resolve();
      });
    });
  }

  pulse(): Promise<string> {
    return Promise.resolve(String(this.state.rows.length));
  }
}
