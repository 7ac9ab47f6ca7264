import type { CaseStore } from '../case/case-store.js';
import type { Inbox } from '../inbox/inbox.js';
import type { Message } from '../message/message.js';
import type { Reached } from '../moment.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import type { CallContext } from './handler-context.js';
import type { FoundHandler } from './handler-declaration.js';
import type { HandlerMiddleware } from './handler-middleware.js';
import type { WaitingBetween } from './handler-retry.js';

/** What handlers of one process are run with. */
export interface HandlingMeans<Tx> extends WaitingBetween {
  readonly inbox: Inbox<Tx>;
  readonly cases: CaseStore<Tx>;
  readonly unitOfWork: UnitOfWork<Tx>;
  readonly middleware: readonly HandlerMiddleware[];
  readonly reached: Reached | undefined;
}

export const invoke = ({ method, target }: FoundHandler, message: Message, context: CallContext): Promise<unknown> =>
  method.call(target, message as never, context as never);

/** The context for one try of one step: its signal aborts after the handler's own time, too. */
export const timed = <Context extends CallContext>({ timeoutMs }: FoundHandler, context: Context): Context =>
  timeoutMs === undefined ? context : { ...context, signal: AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]) };
