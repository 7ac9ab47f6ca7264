import { isPlainText } from '../plain-text.js';
import { InvalidOptionsError } from '../errors.js';
import type { HandlerFailurePolicy, HandlerRetry } from '../handler/handler-retry.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Sent } from './process.js';
import type { StepAnswer } from './process-step.js';

/** A step whatever the types of its process. */
export interface DefinedStep {
  readonly pendingTimeoutMs?: number;
  readonly status?: (question: never) => Promise<StepAnswer>;
  readonly onCompleted?: (process: never) => unknown;
  readonly onFailed?: (process: never, reason: string) => unknown;
  readonly compensation?: (done: never) => Sent | undefined;
  readonly compensationConfirmed?: boolean;
  readonly irreversible?: true;
}

/** What a process does about one message. */
export interface Reaction {
  readonly event: MessageDefinition;
  readonly starts: boolean;
  readonly key: (message: never) => string | undefined;
  readonly whenUnknown: 'ignore' | 'fail';
  readonly react: (message: never, process: never) => unknown;
}

/** A process manager whatever its types. */
export interface ProcessDefinition {
  readonly name: string;
  readonly state: MessageDefinition;
  readonly initial: () => unknown;
  readonly steps: Readonly<Record<string, DefinedStep>>;
  readonly timeouts: Readonly<Record<string, (process: never) => unknown>>;
  readonly statusAttempts: number;
  readonly reactions: readonly Reaction[];
  readonly retry: HandlerRetry | undefined;
  readonly onFailure: HandlerFailurePolicy | undefined;
}

/** Time-outs of steps are kept beside those of the process, under names of their own. */
export const STEP_TIMEOUT = 'step:';
export const stepTimeout = (step: string): string => STEP_TIMEOUT + step;
export const stepOfTimeout = (timeout: string): string | undefined =>
  timeout.startsWith(STEP_TIMEOUT) ? timeout.slice(STEP_TIMEOUT.length) : undefined;

const LONGEST_NAME = 200;

/** @throws {@link InvalidOptionsError} what cannot work, or what nobody has decided */
export function checkDefinition({ name, steps, timeouts, statusAttempts }: Omit<ProcessDefinition, 'reactions'>): void {
  checkName('A process', name);
  if (!Number.isInteger(statusAttempts) || statusAttempts < 1)
    throw new InvalidOptionsError(
      `Process "${name}": statusAttempts is a count of questions, a whole number from 1; ${statusAttempts} is none.`,
    );
  for (const [step, options] of Object.entries(steps)) {
    checkName(`A step of process "${name}"`, step);
    checkStep(`Step "${step}" of process "${name}"`, options);
  }
  for (const [timeout, act] of Object.entries(timeouts)) {
    checkName(`A time-out of process "${name}"`, timeout);
    if (stepOfTimeout(timeout) !== undefined)
      throw new InvalidOptionsError(
        `Process "${name}": names of time-outs that begin with "${STEP_TIMEOUT}" are kept for steps; "${timeout}" needs another one.`,
      );
    if (typeof act !== 'function')
      throw new InvalidOptionsError(`Time-out "${timeout}" of process "${name}" is no function: nothing would happen.`);
  }
}

function checkStep(what: string, { compensation, irreversible, compensationConfirmed, pendingTimeoutMs, status }: DefinedStep): void {
  if ((typeof compensation === 'function') === (irreversible === true))
    throw new InvalidOptionsError(
      `${what} must say either how it is taken back, with a compensation, or irreversible: true, when nothing can take it back${compensation ? '; not both' : ''}.`,
    );
  if (compensationConfirmed && irreversible)
    throw new InvalidOptionsError(`${what} is irreversible: there is no compensation to be confirmed.`);
  if (pendingTimeoutMs !== undefined && !(pendingTimeoutMs > 0 && pendingTimeoutMs < Infinity))
    throw new InvalidOptionsError(`${what}: pendingTimeoutMs is ${pendingTimeoutMs}; it must be above 0 milliseconds.`);
  if (status && pendingTimeoutMs === undefined)
    throw new InvalidOptionsError(`${what} has a status query but no pendingTimeoutMs: it would never be asked.`);
}

function checkName(what: string, name: unknown): void {
  if (!isPlainText(name) || name.length > LONGEST_NAME)
    throw new InvalidOptionsError(
      `${what} needs a name, under which it is stored: text of 1 to ${LONGEST_NAME} characters; ${JSON.stringify(name)} is none.`,
    );
}
