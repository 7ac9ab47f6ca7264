import { aborted, delay } from '../../clock.js';
import type { Clock } from '../../clock.js';
import { DatabaseReplacedError, WitnessBehindError } from '../../errors.js';
import { advanceMark } from './advance-mark.js';
import type { AdvanceMarkOptions } from './advance-mark.js';

export interface WitnessWatchOptions extends AdvanceMarkOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly stopping: AbortSignal;
  readonly onTrouble: (doing: string, error: unknown) => void;
  /** The database is not the one that was started with, or the witness is not: nothing more may be delivered. */
  readonly onReplaced: (error: DatabaseReplacedError | WitnessBehindError) => void;
}

const DOING = 'comparing the outbox with its witness';
/** Longest wait for the last mark of a dispatcher that stops: it is a courtesy. */
const FAREWELL_MS = 1_000;

/**
 * Makes a mark every `everyMs` until `stopping` aborts, and a last one then: what is restored to a moment before a mark is noticed. A witness
 * or database that is away is told of as trouble, and tried again the next time.
 */
export async function watchWitness(options: WitnessWatchOptions): Promise<void> {
  const { clock, everyMs, stopping, onTrouble, onReplaced } = options;
  let { known } = options;
  const advance = async (): Promise<void> => {
    try {
      known = await advanceMark({ ...options, known });
    } catch (error) {
      onTrouble(DOING, error);
      if (error instanceof DatabaseReplacedError || error instanceof WitnessBehindError) onReplaced(error);
    }
  };
  while (!stopping.aborted) {
    await delay(clock, everyMs, stopping);
    if (!stopping.aborted) await Promise.race([advance(), aborted(stopping)]);
  }
  const given = new AbortController();
  void advanceMark({ ...options, known: undefined })
    .catch(() => {})
    .finally(() => given.abort());
  await delay(clock, FAREWELL_MS, given.signal);
}
