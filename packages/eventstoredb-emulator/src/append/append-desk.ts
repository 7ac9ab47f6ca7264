import type { FaultPlan } from '../faults/fault-plan.js';
import type { EventStore } from '../store/event-store.js';
import type { Append, AppendOutcome } from './append-outcome.js';
import type { Appender } from './appender.js';

/** The server counts `data` only up to 23.10, and `data`, metadata and twice the type's length from 24.10 on. */
export type SizeRule = 'data' | 'whole-event';

export interface AppendDeskOptions {
  readonly store: EventStore;
  readonly appender: Appender;
  readonly faults: FaultPlan;
  readonly sizeRule: SizeRule;
  readonly maxAppendBytes: number;
  readonly commitTimeoutMs: number;
}

/** Where both append calls hand in their appends: applies limits, faults and time-outs, and answers when the events are readable. */
export class AppendDesk {
  constructor(private readonly options: AppendDeskOptions) {}

  get commitTimeoutMs(): number {
    return this.options.commitTimeoutMs;
  }

  /**
   * Appends in the order of the calls. `answer` is called at most once, and never for appends that a fault swallows.
   *
   * @param timeoutMs - from now; nothing is stored when it has passed already
   */
  submit(append: Append, timeoutMs: number, answer: (outcome: AppendOutcome) => void): void {
    const { faults, sizeRule, maxAppendBytes } = this.options;
    if (sizeOf(append, sizeRule) > maxAppendBytes) return answer({ kind: 'too-large', limit: maxAppendBytes });
    if (timeoutMs <= 0) return answer({ kind: 'timed-out' });

    const fault = faults.take(append.stream);
    if (fault?.kind === 'lose') return;
    if (fault?.kind === 'busy' || fault?.kind === 'not-ready' || fault?.kind === 'not-leader') return answer(fault);

    const outcome = this.options.appender.append(append);
    if (fault?.kind === 'store-without-acknowledging') return;
    if (fault?.kind === 'time-out') return answer({ kind: 'timed-out' });
    this.#answerWhenCommitted(outcome, timeoutMs, this.#late(answer));
  }

  #answerWhenCommitted(outcome: AppendOutcome | undefined, timeoutMs: number, answer: (outcome: AppendOutcome) => void): void {
    if (outcome && outcome.kind !== 'accepted') return answer(outcome);

    let answered = false;
    const once = (result: AppendOutcome): void => {
      clearTimeout(timer);
      if (!answered) answer(result);
      answered = true;
    };
    let timer: NodeJS.Timeout | undefined;
    if (outcome) this.options.store.whenCommitted(() => once(outcome));
    if (!answered) timer = setTimeout(() => once({ kind: 'timed-out' }), Math.min(timeoutMs, this.options.commitTimeoutMs)).unref();
  }

  #late(answer: (outcome: AppendOutcome) => void): (outcome: AppendOutcome) => void {
    const { faults } = this.options;
    const delayMs = faults.acknowledgementDelayMs;
    const heard = (outcome: AppendOutcome): void => faults.whenHeard(() => answer(outcome));
    return delayMs > 0 ? (outcome) => void setTimeout(heard, delayMs, outcome) : heard;
  }
}

function sizeOf({ events }: Append, rule: SizeRule): number {
  let size = 0;
  for (const { data, metadata, type } of events) size += data.length + (rule === 'data' ? 0 : metadata.length + 2 * type.length);
  return size;
}
