import type { WaybillError } from '../errors.js';
import type { MessageFields } from '../message/message.js';

/** A message as events name it. */
export type NamedMessage = Pick<MessageFields, 'id' | 'stream' | 'revision'> & { readonly type: string };

interface AtLane<Route> {
  readonly route: Route;
  readonly lane: number;
}

/** `attempts` counts failures by the message's own fault. */
interface Failed<Route> extends AtLane<Route> {
  readonly message: NamedMessage;
  readonly error: WaybillError;
  readonly attempts: number;
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
  /** A message was not accepted; its lane, or its stream alone, waits and tries again. */
  readonly waiting: Failed<Route> & { readonly stops: 'lane' | 'stream'; readonly waitMs: number };
  /** The lane stopped at this message until somebody resumes it, over restarts. Nothing behind it was delivered. */
  readonly halted: Failed<Route>;
  /** The message's stream stopped there until somebody resumes it; the lane goes on with the others. */
  readonly 'stream-halted': Failed<Route>;
  /** Message and stream are set aside until somebody redrives them; the lane goes on with the others. */
  readonly parked: Failed<Route>;
  /** The message was passed by, as the route's policy wants it; its stream goes on. */
  readonly discarded: Failed<Route>;
  /** Somebody had a lane, or one stopped stream of it, go on. */
  readonly resumed: AtLane<Route> & { readonly stream?: string };
  /** All that had piled up in a stopped stream was delivered; it flows with its lane again. */
  readonly redriven: AtLane<Route> & { readonly stream: string };
  /** Several lanes could not reach the sink, and nobody got through: one of them probes from now on. */
  readonly outage: { readonly route: Route; readonly error: WaybillError };
  readonly recovered: { readonly route: Route };
  readonly skipped: AtLane<Route> & { readonly message: NamedMessage; readonly reason: string };
  /** An operator's order could not be carried out; it will not be tried again. */
  readonly 'order-refused': AtLane<Route> & { readonly order: 'resume' | 'skip' | 'redrive'; readonly note: string };
  /** Every `reportEveryMs`: how the whole route stands, and how fast this instance is. */
  readonly 'route-status': {
    readonly route: Route;
    /** Committed and not delivered; counted up to 10,001 a lane. */
    readonly pending: number;
    /** Age of the oldest of them; 0 when there is none. */
    readonly oldestAgeMs: number;
    readonly stoppedStreams: number;
    /** By this instance, over the last minute. */
    readonly deliveredPerSecond: number;
    readonly failedPerSecond: number;
  };
  /** Messages, lines of the delivery history, or claims of the inbox, were removed because nobody needs them any more. */
  readonly removed: { readonly messages: number; readonly historyLines: number; readonly claims: number };
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
