import { v5 as uuidFrom } from 'uuid';
import type { CaseKind } from '../case/case-store.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InvalidOptionsError, ScopeClosedError } from '../errors.js';
import type { HandlerContext } from '../handler/handler-context.js';
import type { Process, Sent } from './process.js';
import { stepTimeout } from './process-definition.js';
import type { ProcessDefinition } from './process-definition.js';
import type { StoredProcess, StoredStep } from './process-store.js';
import { readState, storedState } from './process-state.js';
import { Steps } from './steps.js';
import type { StepEffect } from './steps.js';

export interface ActOptions<Tx> {
  readonly definition: ProcessDefinition;
  readonly stores: Pick<Database<Tx>, 'processes' | 'cases'>;
  readonly context: HandlerContext<Tx>;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly key: string;
  /** As it was locked in the transaction; `undefined` begins it. */
  readonly stored: StoredProcess | undefined;
  /** Of a process that begins. */
  readonly correlationId: string;
  /** Who closes the cases of steps that are decided now, and why. */
  readonly closing?: { readonly by: string; readonly reason: string };
}

const CASES = '5b0f2a52-7c0b-4c0e-9a3d-3f7c6f3f1f10';
const TEN_YEARS_MS = 10 * 366 * 86_400_000;

/** One change of one process, inside the transaction of `context`: opens it, lets `act` change it, and stores what came of it. */
export async function actOn<Tx>(
  options: ActOptions<Tx>,
  act: (process: Process<unknown, string, string, Tx>, steps: Steps) => unknown,
): Promise<void> {
  const { definition, stores, context, clock, key, stored, correlationId } = options;
  const { name } = definition;
  const { tx, append } = context;
  const steps = new Steps(definition, stored, clock.now());
  const timers = new Map<string, number | undefined>();
  const send = (messages: Sent): void => append(`${name}-${key}`, messages);
  let state = stored ? readState(name, definition.state, stored) : definition.initial();
  let isOpen = true;
  const open = (what: string): void => {
    if (!isOpen) throw new ScopeClosedError(what);
  };
  const knownTimeout = (timeout: string): string => {
    if (Object.hasOwn(definition.timeouts, timeout)) return timeout;
    throw new InvalidOptionsError(
      `Process "${name}" has no time-out "${timeout}". Name one of its \`timeouts\`: ${Object.keys(definition.timeouts).join(', ') || 'there is none'}.`,
    );
  };

  const process: Process<unknown, string, string, Tx> = {
    ...context,
    key,
    get status() {
      return steps.status;
    },
    get state() {
      return state;
    },
    set state(changed) {
      open('state');
      state = changed;
    },
    get steps() {
      return steps.states;
    },
    begin(step, command) {
      open('begin');
      if (!steps.begin(step)) return false;
      send(command);
      return true;
    },
    complete: (step) => (open('complete'), steps.complete(step)),
    fail: (step, reason) => (open('fail'), steps.fail(step, reason)),
    compensate: (reason) => (open('compensate'), steps.compensate(reason)),
    compensated: (step) => (open('compensated'), steps.compensated(step)),
    timeoutAfter(timeout, ms) {
      open('timeoutAfter');
      if (!(ms >= 0 && ms <= TEN_YEARS_MS))
        throw new InvalidOptionsError(
          `Time-out "${timeout}" of process "${name}" is to fire after ${ms} ms; it must be 0 or more, and below ten years.`,
        );
      if (steps.status !== 'running') return false;
      timers.set(knownTimeout(timeout), ms);
      return true;
    },
    cancelTimeout(timeout) {
      open('cancelTimeout');
      timers.set(knownTimeout(timeout), undefined);
    },
    end: () => (open('end'), steps.end()),
  };

  try {
    await act(process, steps);
    for (let hook = steps.hooks.shift(); hook; hook = steps.hooks.shift()) {
      if (steps.status !== 'running') continue; // decided otherwise meanwhile: the step is taken back with the rest
      const { onCompleted, onFailed } = definition.steps[hook.step]!;
      await (hook.call === 'onCompleted' ? onCompleted?.(process as never) : onFailed?.(process as never, hook.reason));
    }
    for (let step = steps.nextToTakeBack(); step !== undefined; step = steps.nextToTakeBack()) {
      const compensation = definition.steps[step]!.compensation!({ key, step, state } as never);
      const isNothing = compensation === undefined || [compensation].flat().length === 0;
      if (!isNothing) send(compensation);
      else steps.compensated(step); // nobody is asked, so nobody would confirm
    }
    steps.settle();
  } finally {
    isOpen = false;
  }

  const wasRunning = (stored?.status ?? 'running') === 'running';
  if (wasRunning && steps.status !== 'running') for (const timeout of Object.keys(definition.timeouts)) timers.set(timeout, undefined);
  for (const effect of steps.effects) noteTimer(effect, timers);
  await setTimers(timers, options);
  for (const effect of steps.effects) await changeCase(effect, options);
  await stores.processes.save(
    {
      ...{ process: name, key, status: steps.status, reason: steps.reason, steps: steps.all },
      ...storedState(definition.state, state),
      correlationId: stored?.correlationId ?? correlationId,
    },
    tx,
  );
}

function noteTimer(effect: StepEffect, timers: Map<string, number | undefined>): void {
  if (effect.do === 'wait') timers.set(stepTimeout(effect.step), effect.ms);
  else if (effect.do === 'wait-no-more') timers.set(stepTimeout(effect.step), undefined);
}

async function changeCase<Tx>(
  effect: StepEffect,
  { definition: { name }, stores, context: { tx }, key, closing, ...process }: ActOptions<Tx>,
): Promise<void> {
  if (effect.do === 'open-case') {
    const { kind, step } = effect;
    const detail = `Step "${step.step}" of process "${name}" with key "${key}", begun at ${step.begunAt}: ${step.detail}. Find out, and settle it.`;
    const place = { process: { key, step: step.step }, message: undefined };
    const correlationId = process.stored?.correlationId ?? process.correlationId;
    await stores.cases.open({ id: caseId(kind, name, key, step), kind, of: name, ...place, correlationId, detail }, tx);
  }
  if (effect.do !== 'close-cases') return;
  const by = closing ?? { by: `process "${name}"`, reason: 'what came of it was told after all' };
  for (const kind of ['step-stuck', 'compensation-stuck'] as const) await stores.cases.close(caseId(kind, name, key, effect.step), by, tx);
}

/** The same however often it is opened; another one for a process of the same key that began later. */
const caseId = (kind: CaseKind, process: string, key: string, { step, begunAt }: StoredStep): string =>
  uuidFrom(JSON.stringify([kind, process, key, step, begunAt]), CASES);

async function setTimers<Tx>(
  timers: ReadonlyMap<string, number | undefined>,
  { definition, stores, context: { tx }, key, stored, newId }: ActOptions<Tx>,
): Promise<void> {
  const place = { process: definition.name, key };
  for (const [timeout, afterMs] of timers) {
    if (afterMs !== undefined) await stores.processes.schedule({ ...place, timeout, id: newId(), afterMs }, tx);
    else if (stored) await stores.processes.cancel(place, timeout, tx);
  }
}
