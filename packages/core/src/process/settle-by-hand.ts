import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { checkPerson } from '../case/cases.js';
import { InvalidOptionsError } from '../errors.js';
import type { HandlerContext } from '../handler/handler-context.js';
import type { Logger } from '../logger.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import { actOn } from './process-act.js';
import type { ProcessDefinition } from './process-definition.js';
import type { ProcessKey, StoredStep } from './process-store.js';
import type { Steps } from './steps.js';

export interface StepPlace extends ProcessKey {
  readonly step: string;
}

export interface SettleOptions {
  /** Who says so. */
  readonly by: string;
  /** Kept for whoever asks later. */
  readonly reason: string;
}

export type SettledAs = 'completed' | 'failed' | 'compensated';

interface SettleByHand<Tx> extends SettleOptions {
  readonly definition: ProcessDefinition;
  readonly database: Pick<Database<Tx>, 'processes' | 'cases'>;
  readonly unitOfWork: UnitOfWork<Tx>;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly logger: Logger;
  readonly place: StepPlace;
  readonly as: SettledAs;
}

/** A person says what came of a step. */
export async function settleByHand<Tx>({
  definition,
  database,
  unitOfWork,
  place,
  as,
  by,
  reason,
  ...rest
}: SettleByHand<Tx>): Promise<void> {
  const { process, key, step } = place;
  checkPerson({ by, reason });
  const text = `${by}: ${reason}`;
  await unitOfWork.run(
    async (scope) => {
      const stored = await database.processes.lock({ process, key }, scope.tx);
      const found = stored?.steps.find((one) => one.step === step);
      if (!stored || !found) throw refusal(place, as, stored ? 'it was never begun' : 'there is no such process');
      const { logger, clock, newId } = rest;
      const context: HandlerContext<Tx> = {
        ...{ ...scope, handler: process, attempt: 1, mayBeRepeat: false, signal: new AbortController().signal, logger },
      };
      const { correlationId } = stored;
      const options = { definition, stores: database, context, clock, newId, key, stored, correlationId, closing: { by, reason } };
      await actOn(options, (_, steps) => settle(steps, found, definition.steps[step]?.irreversible === true));
    },
    { retryOnConflict: 10 },
  );

  function settle(steps: Steps, found: StoredStep, irreversible: boolean): void {
    if (found.state !== 'pending' && found.state !== 'compensating' && found.state !== 'stuck')
      throw refusal(place, as, `it is ${found.state} already`);
    const isBeingTakenBack = found.state === 'compensating' || (found.state === 'stuck' && found.completion !== undefined);
    if (as === 'compensated') return steps.takenBackByHand(step, text);
    if (!isBeingTakenBack && as === 'completed') return void steps.complete(step);
    if (!isBeingTakenBack && as === 'failed') return void steps.fail(step, text);
    if (as === 'completed' && irreversible) return steps.leftByHand(step, text);
    throw refusal(place, as, 'it was done, and is being taken back; it can only be settled as compensated');
  }
}

const refusal = ({ process, key, step }: StepPlace, as: SettledAs, why: string): InvalidOptionsError =>
  new InvalidOptionsError(
    `Step "${step}" of process "${process}" with key "${key}" cannot be settled as ${as}: ${why}. Nothing was changed.`,
  );
