import type { Process, Sent } from './process.js';

/** What came of a step, by its own account. `compensate`: it was done at least in part, and is to be taken back with all the others. */
export type StepAnswer = 'completed' | 'failed' | 'compensate' | 'pending';

export interface StepQuestion<State> {
  readonly key: string;
  readonly step: string;
  readonly state: Readonly<State>;
  readonly begunAt: Date;
  readonly correlationId: string;
  /** Aborts when the answer is too late. */
  readonly signal: AbortSignal;
}

export interface DoneStep<State> {
  readonly key: string;
  readonly step: string;
  readonly state: Readonly<State>;
}

interface AnyStep<State, Step extends string, Timeout extends string> {
  /** How long its outcome may be unknown, in milliseconds; then it is asked for, or, where nobody can be asked, becomes a case for a person. */
  readonly pendingTimeoutMs?: number;
  /**
   * Asks the outside what came of the step, outside any transaction, possibly from several processes at once: it must only look. `pending`, and
   * whatever it throws, is asked again after `pendingTimeoutMs`, up to the process's `statusAttempts`.
   */
  readonly status?: (question: StepQuestion<State>) => Promise<StepAnswer>;
  /** Goes on with the process, in the transaction in which the step completes. Not called for a step that is taken back. */
  readonly onCompleted?: (process: Process<State, Step, Timeout>) => unknown;
  /** Decides in place of taking everything back: may begin another step, or `compensate`. */
  readonly onFailed?: (process: Process<State, Step, Timeout>, reason: string) => unknown;
}

/** A step that can be taken back says how; one that cannot says so. */
export type StepOptions<State, Step extends string = string, Timeout extends string = string> = AnyStep<State, Step, Timeout> &
  (
    | {
        /** What takes the step back; goes the way of the process's commands. Nothing, when there is nothing to take back. */
        readonly compensation: (done: DoneStep<State>) => Sent | undefined;
        /** Wait for `compensated(step)` before what was done earlier is taken back. Default false: it counts once it is sent. */
        readonly compensationConfirmed?: boolean;
        readonly irreversible?: never;
      }
    | { readonly irreversible: true; readonly compensation?: never; readonly compensationConfirmed?: never }
  );
