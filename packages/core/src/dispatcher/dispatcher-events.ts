import type { WaybillError } from '../errors.js';
import type { MessageFields } from '../message/message.js';

/** A message as events name it. */
export type NamedMessage = Pick<MessageFields, 'id' | 'stream' | 'revision'> & { readonly type: string };

interface AtLane<Route> {
  readonly route: Route;
  readonly lane: number;
}

/** All that a dispatcher tells: the one observability surface. Logs, metrics and dashboards are made from these. */
export interface DispatcherEvents<Route extends string = string> {
  readonly started: { readonly instance: string };
  readonly stopped: { readonly instance: string };
  /** This instance runs the lane from now on. `takenOver`: the last holder did not release it. */
  readonly 'lane-acquired': AtLane<Route> & { readonly epoch: bigint; readonly takenOver: boolean };
  readonly 'lane-released': AtLane<Route> & { readonly epoch: bigint };
  /** Somebody else may run the lane now; nothing more is settled under this lease. */
  readonly 'lease-lost': AtLane<Route> & { readonly epoch: bigint };
  /** A batch was accepted by the sink and recorded. `sinceCommitMs`: age of its last message by this process's clock. */
  readonly delivered: AtLane<Route> & {
    readonly count: number;
    readonly last: NamedMessage;
    readonly durationMs: number;
    readonly sinceCommitMs: number;
  };
  /** A message was not accepted; the lane waits and tries again. `attempts` counts failures by the message's own fault. */
  readonly waiting: AtLane<Route> & {
    readonly message: NamedMessage;
    readonly error: WaybillError;
    readonly attempts: number;
    readonly waitMs: number;
  };
  /** The lane stopped at this message until somebody resumes it, over restarts. Nothing behind it was delivered. */
  readonly halted: AtLane<Route> & { readonly message: NamedMessage; readonly error: WaybillError; readonly attempts: number };
  readonly resumed: AtLane<Route>;
  readonly skipped: AtLane<Route> & { readonly message: NamedMessage; readonly reason: string };
  /** An operator's order could not be carried out; it will not be tried again. */
  readonly 'order-refused': AtLane<Route> & { readonly order: 'resume' | 'skip'; readonly note: string };
  /** The database, or a call to it, failed; what was tried is tried again. */
  readonly trouble: {
    readonly route: Route | undefined;
    readonly lane: number | undefined;
    readonly doing: string;
    readonly error: unknown;
  };
}

/** Any one of them, as it travels inside the dispatcher. */
export type DispatcherEvent = {
  [Name in keyof DispatcherEvents]: { readonly name: Name; readonly event: DispatcherEvents[Name] };
}[keyof DispatcherEvents];

export const named = ({ id, type, stream, revision }: NamedMessage): NamedMessage => ({ id, type, stream, revision });
