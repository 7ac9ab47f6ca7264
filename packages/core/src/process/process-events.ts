import type { StepAnswer } from './process-step.js';
import type { ProcessKey } from './process-store.js';

/** What happens to processes in this process of the operating system. */
export interface ProcessEvents {
  /** A time-out has fired, and what it did is committed. */
  readonly 'timed-out': ProcessKey & { readonly timeout: string };
  /** A step was asked for, outside any transaction; `error` when it did not answer. */
  readonly asked: ProcessKey & { readonly step: string; readonly answer: StepAnswer | undefined; readonly error?: unknown };
  /** A person has to say what came of a step, or that it was taken back; a case is open. */
  readonly stuck: ProcessKey & { readonly step: string; readonly detail: string };
  /** A message came for a process that never began, and was passed by. */
  readonly unknown: ProcessKey & { readonly messageId: string; readonly type: string };
  /** Processes wait under a name that nobody here handles: was it renamed? */
  readonly unhandled: { readonly process: string };
  /** Something failed; it is tried again. */
  readonly trouble: { readonly doing: string; readonly error: unknown };
  /** Processes that were over for long. */
  readonly removed: { readonly process: string; readonly count: number };
}

export type ProcessEvent = {
  readonly [Name in keyof ProcessEvents]: { readonly name: Name; readonly event: ProcessEvents[Name] };
}[keyof ProcessEvents];
