import type { History, Verdict } from './history.js';
import { storyOf } from './story.js';

/** How a run ended. */
export interface Outcome {
  readonly history: History;
  readonly verdict: Verdict;
  /** Dispatcher processes that were killed. */
  readonly kills: number;
  /** What no fault explains: processes that ended by themselves or would not stop, lanes that halted. */
  readonly surprises: readonly string[];
}

export const isKept = ({ verdict, surprises }: Outcome): boolean => verdict.violations.length === 0 && surprises.length === 0;

/** The verdict in a line, and what broke it with a counter-example. */
export function reportOf({ verdict, history, kills, surprises }: Outcome): string {
  const { violations, committed, rolledBack, unknown, accepted, duplicates, late, takeOvers } = verdict;
  const figures = `${kills} kills, ${committed} messages committed, ${rolledBack} runs rolled back, ${unknown} unclear, ${accepted} accepted, ${duplicates} again, ${late} late batches, ${takeOvers} take-overs`;
  const first = violations[0];
  return [
    `${first || surprises.length > 0 ? 'BROKEN' : 'kept'}: ${figures}`,
    ...surprises,
    ...(first ? [`${violations.length} violations, of which the first is`, storyOf(first, history)] : []),
  ].join('\n');
}
