import { WaybillError } from './waybill-error.js';

/** The subscription belongs to another process by now, or was removed. Nothing was committed. */
export class SubscriptionLostError extends WaybillError {
  readonly code = 'SUBSCRIPTION_LOST';

  constructor(
    readonly subscription: string,
    readonly epoch: bigint,
  ) {
    super(
      `Subscription "${subscription}" is no longer leased to this process under epoch ${epoch}; nothing was committed. ` +
        'Was the process suspended, or the database away, for longer than the lease?',
    );
  }
}

/** The subscription is known, and its place is one in another log: it means nothing in this one. */
export class SubscriptionRefusedError extends WaybillError {
  readonly code = 'SUBSCRIPTION_REFUSED';

  constructor(
    readonly subscription: string,
    readonly known: string,
    readonly wanted: string,
  ) {
    super(
      `Subscription "${subscription}" is refused: it is known with positions in ${known}, which mean nothing in ${wanted}. ` +
        'Choose another name, or remove it first.',
    );
  }
}

/** The subscription stands at a message that failed: what comes after it is not handled until a person has said how to go on. */
export class SubscriptionStoppedError extends WaybillError {
  readonly code = 'SUBSCRIPTION_STOPPED';

  constructor(
    readonly subscription: string,
    readonly detail: string,
  ) {
    super(
      `Subscription "${subscription}" has stopped: ${detail.replace(/\.$/, '')}. Mend the cause and resume it, or pass the message by with a reason.`,
    );
  }
}

/** The log ends before the place up to which its messages were handled: it was restored from a backup, or is another one. */
export class EventLogBehindError extends WaybillError {
  readonly code = 'EVENT_LOG_BEHIND';

  constructor(
    readonly subscription: string,
    readonly position: bigint,
    readonly last: bigint | undefined,
  ) {
    super(
      `Subscription "${subscription}" has handled its log up to position ${position}, but the log ends at ${last ?? 'nothing'}: ` +
        'it was restored from a backup, or is another one. Nothing is handled, for what is written there next would be passed by. ' +
        'Point it at the right server; or let it begin anew: a consumer under another name, a projection by a rebuild.',
    );
  }
}
