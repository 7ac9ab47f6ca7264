import { delay } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { backoffMs } from '../backoff.js';
import { InvalidOptionsError, isWaybillError } from '../errors.js';
import type { HandlerContext } from '../handler/handler-context.js';
import type { Logger } from '../logger.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import { actOn } from './process-act.js';
import { STEP_TIMEOUT, stepOfTimeout } from './process-definition.js';
import type { ProcessDefinition } from './process-definition.js';
import type { ProcessEvent } from './process-events.js';
import type { Process } from './process.js';
import { readState } from './process-state.js';
import type { DueTimeout, ProcessLine } from './process-store.js';
import type { StepAnswer } from './process-step.js';
import type { Steps } from './steps.js';

export interface ClockworkOptions<Tx> {
  readonly database: Pick<Database<Tx>, 'processes' | 'cases'>;
  readonly unitOfWork: UnitOfWork<Tx>;
  readonly definitions: ReadonlyMap<string, ProcessDefinition>;
  readonly pollMs: number;
  readonly statusTimeoutMs: number;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly newId: () => string;
  readonly logger: Logger;
  readonly tell: (event: ProcessEvent) => void;
}

type Act<Tx> = (process: Process<unknown, string, string, Tx>, steps: Steps) => unknown;

/** Most that are looked at in one round. */
const PAGE = 1_000;

/**
 * Fires time-outs that are due, and asks what came of pending steps. Any number of these run side by side, in any number of processes: all see
 * the same ones, and whoever takes one, in the transaction of what it does, is the only one.
 */
export class ProcessClockwork<Tx> {
  readonly #options: ClockworkOptions<Tx>;
  /** By the id of their time-out: questions outlast a round, so that a slow answer holds up no time-out. */
  readonly #asking = new Map<string, Promise<void>>();
  /** Failures in a row, by the place of the time-out. */
  readonly #failures = new Map<string, number>();

  constructor(options: ClockworkOptions<Tx>) {
    this.#options = options;
  }

  /** Resolves once `stopping` aborts, and what is under way has ended. */
  async run(stopping: AbortSignal): Promise<void> {
    const { clock, pollMs, random, tell } = this.#options;
    for (let failures = 0; !stopping.aborted;) {
      let hasMore = false;
      try {
        hasMore = await this.#round(stopping);
        failures = 0;
      } catch (error) {
        failures++;
        tell({ name: 'trouble', event: { doing: 'looking for time-outs that are due', error } });
      }
      if (!hasMore) await delay(clock, failures > 0 ? backoffMs(failures, { firstMs: pollMs }, random) : pollMs, stopping);
    }
    await Promise.all(this.#asking.values());
  }

  /** @returns true when more were due than were looked at */
  async #round(stopping: AbortSignal): Promise<boolean> {
    const { database, definitions, concurrency } = this.#options;
    const names = [...definitions.keys()];
    await this.#askMore(names, stopping);
    const due = await database.processes.due(names, PAGE, { prefix: STEP_TIMEOUT, without: true });
    const waiting = [...due];
    let fired = 0;
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        for (let one = waiting.shift(); one && !stopping.aborted; one = waiting.shift()) {
          if (await this.#carryOut(one, stopping, () => this.#fire(one, stopping))) fired++;
        }
      }),
    );
    return due.length === PAGE && fired > 0;
  }

  /** Looked for apart from the others: however many there are to ask, no time-out waits behind them. */
  async #askMore(names: readonly string[], stopping: AbortSignal): Promise<void> {
    const { database, concurrency } = this.#options;
    if (stopping.aborted || this.#asking.size >= concurrency) return;
    // Those that are being asked are due until they have answered.
    const due = await database.processes.due(names, this.#asking.size + concurrency, { prefix: STEP_TIMEOUT });
    for (const one of due) if (this.#asking.size < concurrency && !this.#asking.has(one.id)) this.#askAside(one, stopping);
  }

  #askAside(due: DueTimeout, stopping: AbortSignal): void {
    const asked = this.#carryOut(due, stopping, () => this.#ask(due, stopping)).then(() => void this.#asking.delete(due.id));
    this.#asking.set(due.id, asked);
  }

  /** One that fails comes again, later each time, so that it is in nobody's way. */
  async #carryOut(due: DueTimeout, stopping: AbortSignal, act: () => Promise<void>): Promise<boolean> {
    const { unitOfWork, database, random, newId, tell } = this.#options;
    const place = JSON.stringify([due.process, due.key, due.timeout]);
    try {
      await act();
      this.#failures.delete(place);
      return true;
    } catch (error) {
      if (stopping.aborted) return false;
      const failures = (this.#failures.get(place) ?? 0) + 1;
      this.#failures.set(place, failures);
      tell({ name: 'trouble', event: { doing: `time-out "${due.timeout}" of process "${due.process}" with key "${due.key}"`, error } });
      if (isWaybillError(error, 'DATABASE_UNAVAILABLE') || isWaybillError(error, 'COMMIT_OUTCOME_UNKNOWN')) return false;
      const afterMs = Math.round(backoffMs(failures, { firstMs: 1_000, maxMs: 60_000 }, random));
      await unitOfWork
        .run(async ({ tx }) => {
          await database.processes.lock(due, tx);
          if (await database.processes.take(due, tx)) await database.processes.schedule({ ...due, id: newId(), afterMs }, tx);
        })
        .catch(() => {}); // it stays due, and is tried in the next round
      return false;
    }
  }

  async #fire(due: DueTimeout, stopping: AbortSignal): Promise<void> {
    const [line] = await this.#options.database.processes.find({ process: due.process, key: due.key, most: 1 });
    const happened = await this.#within(due, line, stopping, (process, steps) => {
      if (steps.status !== 'running') return undefined;
      const act = this.#definitionOf(due).timeouts[due.timeout];
      if (act) return act(process as never);
      throw new InvalidOptionsError(
        `Process "${due.process}" has no time-out "${due.timeout}", which is set for key "${due.key}". Was it renamed? Keep the old name for as long as processes have it.`,
      );
    });
    if (happened) this.#options.tell({ name: 'timed-out', event: { process: due.process, key: due.key, timeout: due.timeout } });
  }

  async #ask(due: DueTimeout, stopping: AbortSignal): Promise<void> {
    const { tell } = this.#options;
    const name = stepOfTimeout(due.timeout)!;
    const place = { process: due.process, key: due.key, step: name };
    const [line] = await this.#options.database.processes.find({ process: due.process, key: due.key, most: 1 });
    const isPending = line?.steps.some(({ step, state }) => step === name && state === 'pending') === true;
    const { answer, detail } = isPending
      ? await this.#answer(name, line, stopping)
      : { answer: undefined, detail: 'nobody has confirmed that it was taken back' };
    if (stopping.aborted) return;
    let isStuck = false;
    await this.#within(due, line, stopping, (_, steps) => {
      isStuck = false;
      const state = steps.find(name)?.state;
      if (state !== 'pending' && state !== 'compensating') return;
      if (state === 'pending' && answer === 'completed') steps.complete(name);
      else if (state === 'pending' && answer === 'failed') steps.fail(name, detail);
      else if (state === 'pending' && answer === 'compensate') steps.takeBack(name, detail);
      else isStuck = steps.undecided(name, detail);
    });
    if (isStuck) tell({ name: 'stuck', event: { ...place, detail } });
  }

  /** Outside any transaction, with a time limit. */
  async #answer(name: string, line: ProcessLine, stopping: AbortSignal): Promise<{ answer: StepAnswer | undefined; detail: string }> {
    const { clock, statusTimeoutMs, tell } = this.#options;
    const definition = this.#definitionOf(line);
    const { status, irreversible } = definition.steps[name] ?? {};
    if (!status) return { answer: undefined, detail: 'nobody has told what came of it, and it has no status query' };
    const step = line.steps.find((one) => one.step === name)!;
    const late = new AbortController();
    const cancel = clock.after(statusTimeoutMs, () => late.abort(new Error(`it has not answered for ${statusTimeoutMs} ms`)));
    const signal = AbortSignal.any([stopping, late.signal]);
    const place = { process: line.process, key: line.key, step: name };
    try {
      const state = readState(definition.name, definition.state, line);
      const question = {
        ...{ key: line.key, step: name, state, begunAt: new Date(step.begunAt), correlationId: line.correlationId, signal },
      };
      const answer = await unlessAborted(signal, status(question as never));
      if (!ANSWERS.includes(answer))
        throw new InvalidOptionsError(`it answered ${JSON.stringify(answer)}; it must be one of ${ANSWERS.join(', ')}`);
      if (answer === 'compensate' && irreversible) throw new InvalidOptionsError('it answered "compensate", and the step is irreversible');
      tell({ name: 'asked', event: { ...place, answer } });
      return { answer, detail: `the status query says "${answer}"` };
    } catch (error) {
      if (!stopping.aborted) tell({ name: 'asked', event: { ...place, answer: undefined, error } });
      return { answer: undefined, detail: `the status query failed: ${error instanceof Error ? error.message : String(error)}` };
    } finally {
      cancel();
    }
  }

  /** @returns false when somebody else has taken it, or it was cancelled */
  async #within(due: DueTimeout, line: ProcessLine | undefined, signal: AbortSignal, act: Act<Tx>): Promise<boolean> {
    const { unitOfWork, database, clock, newId, logger } = this.#options;
    const { process: name, key } = due;
    const { result } = await unitOfWork.run(
      async (scope) => {
        const stored = await database.processes.lock({ process: name, key }, scope.tx);
        if (!(await database.processes.take(due, scope.tx))) return false;
        if (!stored) return false;
        const context: HandlerContext<Tx> = { ...scope, handler: name, attempt: 1, mayBeRepeat: false, signal, logger };
        const { correlationId } = stored;
        await actOn({ definition: this.#definitionOf(due), stores: database, context, clock, newId, key, stored, correlationId }, act);
        return true;
      },
      { retryOnConflict: 10, causationId: due.id, ...(line && { correlationId: line.correlationId }), signal },
    );
    return result;
  }

  #definitionOf({ process }: { readonly process: string }): ProcessDefinition {
    return this.#options.definitions.get(process)!;
  }
}

const ANSWERS: readonly unknown[] = ['completed', 'failed', 'compensate', 'pending'] satisfies readonly StepAnswer[];

/** Also one that does not listen to its signal is not waited for any longer. */
async function unlessAborted<Result>(signal: AbortSignal, act: Promise<Result>): Promise<Result> {
  let stop = (): void => {};
  const cut = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  if (signal.aborted) stop();
  try {
    return await Promise.race([act, cut]);
  } finally {
    signal.removeEventListener('abort', stop);
    cut.catch(() => {});
  }
}
