import { WaybillError } from './waybill-error.js';

/** The lane belongs to another dispatcher by now. Nothing was changed. */
export class LeaseLostError extends WaybillError {
  readonly code = 'LEASE_LOST';

  constructor(
    readonly route: string,
    readonly lane: number,
    readonly epoch: bigint,
  ) {
    super(
      `Lane ${route}/${lane} is no longer leased to this dispatcher under epoch ${epoch}; nothing was changed. ` +
        'Was the process suspended, or the database away, for longer than the lease?',
    );
  }
}

/** A route that cannot run as it is configured. */
export class RouteRefusedError extends WaybillError {
  readonly code = 'ROUTE_REFUSED';

  constructor(
    readonly route: string,
    reason: string,
  ) {
    super(`Route "${route}" is refused: ${reason}.`);
  }
}

/** Waiting took longer than `timeoutMs`. What was waited for goes on. */
export class WaitTimeoutError extends WaybillError {
  readonly code = 'WAIT_TIMEOUT';

  constructor(what: string, timeoutMs: number) {
    super(
      `${what} did not happen within ${timeoutMs} ms. Nothing was cancelled: wait again, or look how it stands: dispatcher.lanes(), or the status of who handles it.`,
    );
  }
}

/** The message is set aside, with all that comes after it in its stream, until somebody redrives it. */
export class ParkedError extends WaybillError {
  readonly code = 'PARKED';

  constructor(
    readonly route: string,
    readonly stream: string,
    readonly revision: bigint,
  ) {
    super(
      `Message ${stream}@${revision} is parked at route "${route}": it, or one before it in its stream, has used up its tries. ` +
        `Look at dispatcher.stopped("${route}"), mend the cause, then dispatcher.redrive("${route}", { stream }), or skip the message with a reason.`,
    );
  }
}
