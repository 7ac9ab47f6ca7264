import type { MessageRejectedError, OutboxMessage, SinkUnavailableError } from '@waybill/core';
import type { EventToAppend } from '../event/event-to-append.js';

/** A message of the batch that is to be delivered. */
export interface Entry {
  /** Its place in the batch. */
  readonly index: number;
  readonly message: OutboxMessage;
  readonly event: EventToAppend;
}

/** The messages of one stream on their way, in order: a settled prefix, then, once one of them failed, nothing more. */
export class StreamTrack {
  readonly entries: Entry[] = [];
  /** How many are known to be stored at their revisions. */
  settled = 0;
  /** Why the first unsettled one is not. */
  failure: SinkUnavailableError | MessageRejectedError | undefined;
  /** Send each event alone: together they were too large, or it must be found out which of them is refused. */
  oneByOne = false;
  /** Set when a message behind the entries cannot be sent at all: the failure once they are settled. */
  endsWith: MessageRejectedError | undefined;

  constructor(readonly stream: string) {}

  get next(): Entry | undefined {
    return this.entries[this.settled];
  }

  get open(): boolean {
    return this.failure === undefined && this.settled < this.entries.length;
  }

  get unsettled(): readonly Entry[] {
    return this.entries.slice(this.settled);
  }

  get trouble(): SinkUnavailableError | MessageRejectedError | undefined {
    return this.failure ?? (this.settled === this.entries.length ? this.endsWith : undefined);
  }
}
