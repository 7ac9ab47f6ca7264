import type { FaultPlan } from '../faults/fault-plan.js';
import { resolve } from '../read/links.js';
import type { Committed, EventStore } from '../store/event-store.js';
import { EMPTY, readNotice } from '../wire/messages.js';
import type { ReadNotice } from '../wire/messages.js';
import type { ReadCall } from '../wire/read-call.js';
import { encodeReadEvent } from '../wire/read-event.js';
import { asServerError, consumerTooSlow, streamDeleted } from '../wire/statuses.js';
import type { Failure } from '../wire/statuses.js';
import type { Delivery, SubscriptionSource } from './subscription-source.js';

export interface LiveBuffer {
  /** Events that may wait for a live subscriber. */
  readonly size: number;
  /** What happens to one that more wait for: up to 23.10 it is dropped, later servers send it back to catching up. */
  readonly whenFull: 'drop' | 'catch-up';
}

export interface SubscriptionParts {
  readonly call: ReadCall;
  readonly store: EventStore;
  readonly faults: FaultPlan;
  readonly source: SubscriptionSource;
  readonly resolveLinks: boolean;
  readonly liveBuffer: LiveBuffer;
}

/** Messages handed to the connection and not sent yet, beyond which a subscription waits: the network's own buffer. */
const MOST_UNSENT = 64;

/**
 * Delivers a source to one call: reads the log up to its end, says so, and goes on with what is committed from then on.
 *
 * Live events wait in a small buffer. One commit may overfill it by itself; the subscriber need not be slow.
 */
export class Subscription {
  readonly #parts: SubscriptionParts;
  readonly #knownAs: number;
  #live = false;
  #waiting: Delivery[] = [];
  #ending: Failure | undefined;
  #pumpScheduled = false;
  #stopListening = (): void => {};

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    this.#knownAs = parts.faults.timesForgotten;
  }

  start(id: string): void {
    const { call, store } = this.#parts;
    this.#notify({ confirmation: { subscriptionId: id } });
    this.#stopListening = store.onCommitted((committed) => this.#onCommitted(committed));
    for (const event of ['cancelled', 'close', 'error'] as const) call.on(event, () => this.#stopListening());
    call.on('drain', () => this.#pumpSoon());
    this.#pumpSoon();
  }

  #onCommitted(committed: Committed): void {
    if (!this.#live || this.#ending) return this.#pumpSoon();
    const { source, liveBuffer } = this.#parts;
    for (const delivery of source.take(committed)) this.#waiting.push(delivery);
    if (this.#waiting.length > liveBuffer.size) this.#overflow();
    this.#pumpSoon();
  }

  #overflow(): void {
    const { source, liveBuffer } = this.#parts;
    if (liveBuffer.whenFull === 'drop') {
      this.#waiting.length = liveBuffer.size;
      this.#ending = consumerTooSlow();
      return;
    }
    const first = this.#waiting.find((delivery) => delivery.kind === 'event');
    if (first) source.rewind(first.record);
    this.#waiting = [];
    this.#live = false;
    this.#notify({ fellBehind: EMPTY });
  }

  /** Not within the commit: the one who appends is answered first, and a large append is seen by the buffer as a whole. */
  #pumpSoon(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    queueMicrotask(() => {
      this.#pumpScheduled = false;
      if (this.#parts.faults.muted) this.#parts.faults.whenHeard(() => this.#pumpSoon());
      else this.#pump();
    });
  }

  #pump(): void {
    const { call, source, faults } = this.#parts;
    if (faults.timesForgotten !== this.#knownAs) return this.#stopListening();
    while (!call.cancelled && !call.writableEnded && call.writableLength < MOST_UNSENT) {
      const delivery = this.#live ? this.#waiting.shift() : source.next();
      if (delivery) this.#deliver(delivery);
      else if (this.#ending) return this.#end(this.#ending);
      else if (this.#live) return;
      else this.#goLive();
    }
  }

  #goLive(): void {
    this.#live = true;
    this.#notify({ caughtUp: EMPTY });
    const checkpoint = this.#parts.source.atEnd();
    if (checkpoint) this.#deliver(checkpoint);
  }

  #deliver(delivery: Delivery): void {
    if (delivery.kind === 'checkpoint') {
      this.#notify({ checkpoint: { commitPosition: delivery.commit, preparePosition: delivery.prepare } });
      return;
    }
    const { call, store, resolveLinks } = this.#parts;
    call.write(encodeReadEvent(resolve(store, delivery.record, resolveLinks)));
    if (delivery.record.kind === 'tombstone') this.#tombstoned(delivery.record.stream);
  }

  #tombstoned(stream: string): void {
    if (this.#parts.call.request.options?.stream) this.#end(streamDeleted(stream));
  }

  #end(failure: Failure): void {
    this.#stopListening();
    this.#parts.call.emit('error', asServerError(failure));
  }

  #notify(notice: ReadNotice): void {
    this.#parts.call.write(readNotice.encode(notice));
  }
}
