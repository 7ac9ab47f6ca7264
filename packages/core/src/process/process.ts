import type { HandlerContext } from '../handler/handler-context.js';
import type { DomainEvent } from '../message/domain-event.js';
import type { ProcessStatus, StepState } from './process-store.js';

/** What a process sends at once. */
export type Sent = DomainEvent | readonly DomainEvent[];

/**
 * One process, while a message or a time-out of it is handled. Everything done here is one transaction: state, steps, time-outs, what is sent.
 * Bound, made to be destructured.
 *
 * Messages come late and twice, so that nothing of it fails for being out of season: it does nothing then, and returns false.
 */
export interface Process<State, Step extends string = string, Timeout extends string = string, Tx = unknown> extends HandlerContext<Tx> {
  /** What its messages have in common. */
  readonly key: string;
  readonly status: ProcessStatus;
  /** What it remembers. Set it, or change it in place: it is stored when the handler is through. */
  state: State;
  /** The steps that were begun, or heard of. */
  readonly steps: Readonly<Partial<Record<Step, StepState>>>;

  /**
   * Begins a step: sends its command after all that the process has sent before. A step is begun once.
   *
   * @returns false when the step was begun before, or the process runs no more: nothing is sent
   * @throws {@link InvalidOptionsError} there is no such step
   */
  begin(step: Step, command: Sent): boolean;

  /**
   * The step is done; its `onCompleted` runs when the handler is through. After the step had failed, or while the process is taken back, it is taken
   * back too: what was done was done after all.
   *
   * @returns false when that was known, or the step is taken back already
   */
  complete(step: Step): boolean;

  /**
   * The step was not done. Its `onFailed` runs when the handler is through; without one, all that was done is taken back.
   *
   * @returns false when the step is failed, completed or taken back already: what was said first holds
   */
  fail(step: Step, reason: string): boolean;

  /**
   * Takes back what was done, in reverse order of completion, except irreversible steps. What is still pending is taken back when it completes.
   *
   * @returns false when the process runs no more
   */
  compensate(reason: string): boolean;

  /** What a step with `compensationConfirmed` had done is taken back. @returns false when nobody waits for that */
  compensated(step: Step): boolean;

  /** Has the process's `timeouts` called in so many milliseconds, in place of an earlier setting. @returns false when the process runs no more */
  timeoutAfter(timeout: Timeout, ms: number): boolean;

  cancelTimeout(timeout: Timeout): void;

  /**
   * The process is completed: its time-outs are cancelled, and what comes later begins nothing.
   *
   * @returns false when it runs no more
   * @throws {@link InvalidOptionsError} a step is pending or stuck: nobody knows yet that all is done
   */
  end(): boolean;
}
