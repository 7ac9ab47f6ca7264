import { delay } from '../clock.js';
import type { Clock } from '../clock.js';
import type { ProcessEvent } from './process-events.js';
import type { ProcessStore } from './process-store.js';

export interface ProcessRemovalsOptions {
  readonly store: Pick<ProcessStore<never>, 'remove'>;
  readonly names: readonly string[];
  readonly keepMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly tell: (event: ProcessEvent) => void;
}

const EVERY_MS = 3_600_000;
/** So few that a call is over in milliseconds. */
const CHUNK = 1_000;

/** Removes processes that have been over for long, chunk by chunk, every hour (and a random part of it at first, so that instances take turns). */
export class ProcessRemovals {
  constructor(private readonly options: ProcessRemovalsOptions) {}

  async run(stopping: AbortSignal): Promise<void> {
    const { keepMs, clock, random, tell, names } = this.options;
    if (keepMs === Infinity) return;
    await delay(clock, EVERY_MS * random(), stopping);
    while (!stopping.aborted) {
      try {
        for (const process of names) await this.#removeAll(process, stopping);
      } catch (error) {
        tell({ name: 'trouble', event: { doing: 'removing processes that are over', error } });
      }
      await delay(clock, EVERY_MS, stopping);
    }
  }

  async #removeAll(process: string, stopping: AbortSignal): Promise<void> {
    const { store, keepMs, tell } = this.options;
    let removed = 0;
    for (let count = CHUNK; count === CHUNK && !stopping.aborted; removed += count)
      count = await store.remove({ process, olderThanMs: keepMs, most: CHUNK });
    if (removed > 0) tell({ name: 'removed', event: { process, count: removed } });
  }
}
