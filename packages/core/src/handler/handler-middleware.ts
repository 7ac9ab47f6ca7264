import { InvalidOptionsError } from '../errors.js';
import type { Message } from '../message/message.js';
import type { CallContext } from './handler-context.js';

/** One call of a handler's code, about to be made. */
export interface HandlerCall {
  /** The handler's durable name. */
  readonly handler: string;
  /** `handle` of a handler of one step; of one of two steps `call`, then `commit`, or `compensate`. */
  readonly step: 'handle' | 'call' | 'commit' | 'compensate';
  readonly message: Message;
  /** What the handler gets: within a transaction (`handle`, `commit`) it is a {@link HandlerContext}. */
  readonly context: CallContext;
}

/**
 * Stands around each call of a handler's code, tries in place included: for logging, tracing, a tenant in an `AsyncLocalStorage`.
 *
 * Call `next` once and wait for it. What it throws is the handler's failure: throw it on. Not to call it leaves the handler out: the message
 * counts as handled by it (except in `call`, which must bring what to commit).
 */
export type HandlerMiddleware = (call: HandlerCall, next: () => Promise<void>) => Promise<void>;

/** Runs `act` inside all middleware, the first being the outermost. @returns what `act` did; `undefined` where it was left out */
export async function throughMiddleware<Result>(
  middleware: readonly HandlerMiddleware[],
  call: HandlerCall,
  act: () => Promise<Result>,
): Promise<Result | undefined> {
  let result: Result | undefined;
  const innermost = async (): Promise<void> => void (result = await act());
  await middleware.reduceRight<() => Promise<void>>((next, around) => () => around(call, onlyOnce(next, call)), innermost)();
  return result;
}

function onlyOnce(next: () => Promise<void>, { handler, step }: HandlerCall): () => Promise<void> {
  let isCalled = false;
  return async () => {
    if (isCalled) throw new InvalidOptionsError(`A middleware called next() twice around handler "${handler}" (${step}): call it once.`);
    isCalled = true;
    await next();
  };
}
