import { DatabaseUnavailableError, InvalidOptionsError, isWaybillError } from '../errors.js';
import type { OnceOptions } from '../inbox/inbox.js';
import type { Message } from '../message/message.js';
import { caseIdOf, caseOf } from './case-of-handler.js';
import type { CallContext, Commit, SecondStep } from './handler-context.js';
import type { FoundHandler } from './handler-declaration.js';
import { throughMiddleware } from './handler-middleware.js';
import { TRIES_AFTER_CALL, triedInPlace } from './handler-retry.js';
import { detailOf, isDatabaseTrouble, isHandlersOwn } from './handlers-own.js';
import { invoke, timed } from './invoke.js';
import type { HandlingMeans } from './invoke.js';

/** One message on its way through one two-step handler. */
export interface TwoStepRun<Tx> {
  readonly handler: FoundHandler;
  readonly message: Message;
  readonly once: OnceOptions & { readonly claimId: string };
  readonly context: CallContext;
  /** Told when the call is over, or was cut short: what fails from then on may have failed after the call. */
  readonly called: () => void;
  readonly means: HandlingMeans<Tx>;
}

/**
 * Calls the outside, then commits with the claim.
 *
 * What can never be committed is compensated, where the first step has returned a way to. Before that begins, the claim is committed with a case:
 * whoever is at the same message finds the claim taken and commits nothing that is taken back, and a crash in the middle is found again by the
 * case. From then on the message is only ever compensated. Without a way to, the case stays for a person, and the claim free.
 */
export async function handleInTwoSteps<Tx>(run: TwoStepRun<Tx>): Promise<'handled' | 'duplicate'> {
  const { handler, once, means, called } = run;
  const isClaimed = await means.inbox.handled(handler.name, once.claimId);
  if (isClaimed && !(await isBeingCompensated(run))) return 'duplicate';
  const { commit, compensate } = await call(run);
  called();
  await means.reached?.('called');
  if (isClaimed) return compensate ? await compensated(run, compensate) : 'duplicate';
  try {
    const answer = await committed(run, commit, compensate !== undefined);
    return answer === 'duplicate' && compensate && (await isBeingCompensated(run)) ? await compensated(run, compensate) : answer;
  } catch (cause) {
    if (!isHandlersOwn(cause, run.context.signal)) throw cause;
    if (!compensate) {
      if (await openCase(run, cause)) throw cause;
      return 'duplicate';
    }
    if ((await claimToCompensate(run, cause)) === 'duplicate' && !(await isBeingCompensated(run))) return 'duplicate';
    run.context.logger.warn(
      { handler: handler.name, messageId: run.message.id, error: cause },
      'What a handler has called for could not be committed; it is taken back',
    );
    return await compensated(run, compensate);
  }
}

interface Steps<Tx> {
  readonly commit: Commit<Tx>;
  readonly compensate: ((context: CallContext) => Promise<void>) | undefined;
}

function call<Tx>({ handler, message, context, called, means }: TwoStepRun<Tx>): Promise<Steps<Tx>> {
  let mayBeRepeat = context.mayBeRepeat;
  return triedInPlace(
    async (failed) => {
      const now = timed(handler, { ...context, mayBeRepeat, attempt: context.attempt + failed });
      try {
        const step = { handler: handler.name, step: 'call', message, context: now } as const;
        return stepsOf<Tx>(handler, await throughMiddleware(means.middleware, step, () => invoke(handler, message, now)));
      } catch (error) {
        // Cut short: nobody knows how far it came, unless it does itself.
        if (now.signal.aborted && (error as { readonly code?: unknown } | undefined)?.code !== 'TARGET_UNAVAILABLE') {
          mayBeRepeat = true;
          called();
        }
        throw error;
      }
    },
    { ...handler.retry },
    { ...means, signal: context.signal },
  );
}

function stepsOf<Tx>({ name }: FoundHandler, returned: unknown): Steps<Tx> {
  const second = returned as SecondStep<Tx> | undefined;
  if (typeof second === 'function') return { commit: second, compensate: undefined };
  if (typeof second?.commit === 'function' && typeof second.compensate === 'function')
    return { commit: (context) => second.commit(context), compensate: (context) => second.compensate(context) };
  throw new InvalidOptionsError(
    `Handler "${name}" says twoStep: true, but its first step did not return the function that commits, or { commit, compensate }.`,
  );
}

function committed<Tx>(run: TwoStepRun<Tx>, commit: Commit<Tx>, isCompensable: boolean): Promise<'handled' | 'duplicate'> {
  const { handler, message, once, context, means } = run;
  return triedInPlace(
    (failed) => {
      const now = timed(handler, { ...context, attempt: context.attempt + failed });
      return means.inbox.once(message, { ...once, signal: now.signal }, async (scope) => {
        const open = { ...scope, ...now };
        await throughMiddleware(means.middleware, { handler: handler.name, step: 'commit', message, context: open }, () => commit(open));
        // An earlier try may have asked for a person, who is not needed any more.
        if (!isCompensable) await closeCase(run, caseIdOf(handler.name, once.claimId), 'a later try has committed it', scope.tx);
      });
    },
    { attempts: TRIES_AFTER_CALL, ...handler.retry },
    { ...means, signal: context.signal },
  );
}

/** Takes the call back, and then closes its case. Nothing commits meanwhile, or calls again: it would be answered with what was taken back. */
async function compensated<Tx>(run: TwoStepRun<Tx>, compensate: (context: CallContext) => Promise<void>): Promise<'handled'> {
  const { handler, message, context, means } = run;
  await triedInPlace(
    (failed) => {
      const now = timed(handler, { ...context, attempt: context.attempt + failed });
      return throughMiddleware(means.middleware, { handler: handler.name, step: 'compensate', message, context: now }, () =>
        compensate(now),
      );
    },
    { attempts: TRIES_AFTER_CALL, ...handler.retry },
    { ...means, signal: context.signal },
  );
  await means.unitOfWork.run(({ tx }) => closeCase(run, compensationOf(run), 'its compensation was done', tx), { retryOnConflict: 3 });
  return 'handled';
}

/** A person closes such a case too, having done it by hand; then it is not begun again. */
async function isBeingCompensated<Tx>(run: TwoStepRun<Tx>): Promise<boolean> {
  const open = await run.means.cases.find({ id: compensationOf(run), state: 'open', most: 1 });
  return open.length > 0;
}

/** Claim and case in one transaction: `duplicate` when another delivery has committed, or does what this one was about to do. */
function claimToCompensate<Tx>(run: TwoStepRun<Tx>, cause: unknown): Promise<'handled' | 'duplicate'> {
  const { handler, message, means } = run;
  const { signal: _alsoWhenStopping, ...once } = run.once;
  const advice =
    'It was called, and could not be committed. Its compensation has begun; once it is done this case closes by itself. While it is open, look whether it was done.';
  const toOpen = {
    ...caseOf('call-not-committed', handler.name, message, { claimId: once.claimId, cause, advice }),
    id: compensationOf(run),
  };
  return neverForgotten(run, cause, () => means.inbox.once(message, once, ({ tx }) => means.cases.open(toOpen, tx)));
}

/** In a transaction of its own. @returns false when another delivery has committed meanwhile */
function openCase<Tx>(run: TwoStepRun<Tx>, cause: unknown): Promise<boolean> {
  const { handler, message, once, means } = run;
  const advice =
    'It was called, could not be committed, and says no compensation. Look what the call has done. Mend the cause and resume: it calls again under the same key, and commits; or take it back by hand and skip the message.';
  const toOpen = caseOf('call-not-committed', handler.name, message, { claimId: once.claimId, cause, advice });
  return neverForgotten(run, cause, async () => {
    const { result } = await means.unitOfWork.run(
      async ({ tx }) => {
        if (await means.inbox.handled(handler.name, once.claimId, tx)) return false;
        await means.cases.open(toOpen, tx);
        return true;
      },
      { retryOnConflict: 3 },
    );
    return result;
  });
}

/** Where a case cannot be recorded the message comes again: it is the database's trouble. */
async function neverForgotten<Tx, Result>(
  { handler, message }: TwoStepRun<Tx>,
  cause: unknown,
  record: () => Promise<Result>,
): Promise<Result> {
  try {
    return await record();
  } catch (error) {
    if (isDatabaseTrouble(error) || isWaybillError(error, 'LEASE_LOST')) throw error;
    throw new DatabaseUnavailableError(
      `the case of handler "${handler.name}", whose call for message ${message.id} could not be committed (${detailOf(cause)}), could not be recorded: ${detailOf(error)}`,
      { cause: error },
    );
  }
}

const compensationOf = <Tx>({ handler, once }: TwoStepRun<Tx>): string => caseIdOf(handler.name, once.claimId, 'compensation');

async function closeCase<Tx>({ handler, means }: TwoStepRun<Tx>, id: string, reason: string, tx: Tx): Promise<void> {
  await means.cases.close(id, { by: `handler ${handler.name}`, reason }, tx);
}
