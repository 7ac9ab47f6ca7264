import { setImmediate } from 'node:timers/promises';
import type { EventStoreDBClient } from '@eventstore/db-client';
import type { CurrentClient } from '../connection/current-client.js';
import { openBatchAppend } from '../connection/client-internals.js';
import type { BatchAppendCall } from '../connection/client-internals.js';
import { within } from '../connection/within.js';
import type { Settings } from '../eventstoredb-options.js';
import type { AppendAnswer } from './append-answer.js';
import { AppendPipe } from './append-pipe.js';
import type { BrokenPipe } from './append-pipe.js';
import type { AppendRequest } from './append-request.js';

/** An answer, or `not-sent`: a working connection was lost before it was this append's turn, or nobody wanted it any more. */
export type AppendOutcome = AppendAnswer | { readonly kind: 'not-sent'; readonly detail: string; readonly cause?: unknown };

interface Waiting {
  readonly request: AppendRequest;
  readonly bytes: number;
  readonly wanted: () => boolean;
  readonly resolve: (outcome: AppendOutcome) => void;
}

const MAX_BYTES_IN_FLIGHT = 8 * 1024 * 1024;

/**
 * The one way in, shared by all lanes: appends are written in the order of the calls, so many at once as the limits allow, over one
 * connection that is opened when needed and anew after it broke. The first append on each connection goes alone.
 */
export class AppendQueue {
  readonly #client: CurrentClient;
  readonly #settings: Settings;
  #waiting: Waiting[] = [];
  #pipe: AppendPipe | undefined;
  #opening = false;
  #proven = false;
  #inFlight = 0;
  #bytesInFlight = 0;
  #closed = false;

  constructor(client: CurrentClient, settings: Settings) {
    this.#client = client;
    this.#settings = settings;
  }

  /**
   * Never rejects.
   *
   * @param wanted - asked right before the append is written
   */
  append(request: AppendRequest, wanted: () => boolean): Promise<AppendOutcome> {
    const bytes = request.events.reduce((sum, event) => sum + event.bytes, 0);
    return new Promise((resolve) => {
      this.#waiting.push({ request, bytes, wanted, resolve });
      this.#pump();
    });
  }

  /** Ends the connection, as a sink does that is stopped: the next append opens another one. */
  disconnect(): void {
    this.#pipe?.close('the connection was closed by this process');
  }

  close(): void {
    this.#closed = true;
    this.disconnect();
    this.#fail('this EventStoreDB was closed');
  }

  #pump(): void {
    if (this.#closed) return this.#fail('this EventStoreDB was closed');
    if (this.#waiting.length === 0) return;
    if (!this.#pipe) return void this.#open();

    let written = 0;
    for (const waiting of this.#waiting) {
      if (!waiting.wanted()) waiting.resolve({ kind: 'not-sent', detail: 'an append before it failed' });
      else if (this.#hasRoomFor(waiting)) this.#write(this.#pipe, waiting);
      else break;
      written += 1;
    }
    this.#waiting.splice(0, written);
  }

  #hasRoomFor({ bytes }: Waiting): boolean {
    if (this.#inFlight === 0) return true;
    return this.#proven && this.#inFlight < this.#settings.maxAppendsInFlight && this.#bytesInFlight + bytes <= MAX_BYTES_IN_FLIGHT;
  }

  #write(pipe: AppendPipe, { request, bytes, resolve }: Waiting): void {
    this.#inFlight += 1;
    this.#bytesInFlight += bytes;
    pipe.send(request, (answer) => {
      this.#inFlight -= 1;
      this.#bytesInFlight -= bytes;
      if (!pipe.broken) this.#proven = true;
      resolve(answer);
      this.#pump();
    });
  }

  async #open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    const { clock, appendTimeoutMs } = this.#settings;
    let client: EventStoreDBClient | undefined;
    let gaveUp = false;
    try {
      await setImmediate(); // a client that was sent to another leader turns there meanwhile
      client = this.#client.get();
      const opened = this.#call(client);
      opened.then(
        (late) => gaveUp && late.cancel(),
        () => {},
      );
      const call = await within(opened, { clock, ms: appendTimeoutMs, what: 'connection' });
      this.#proven = false;
      const opener = client;
      this.#pipe = new AppendPipe({ call, clock, timeoutMs: appendTimeoutMs, onBroken: (reason) => this.#broken(opener, reason) });
      if (this.#closed) this.disconnect();
    } catch (cause) {
      gaveUp = true;
      if (client) this.#client.replace(client);
      this.#fail(cause instanceof Error ? cause.message : String(cause), cause);
    } finally {
      this.#opening = false;
    }
    this.#pump();
  }

  async #call(client: EventStoreDBClient): Promise<BatchAppendCall> {
    return openBatchAppend(client, await this.#client.credentials());
  }

  #broken(client: EventStoreDBClient, { detail, cause, sentToLeader }: BrokenPipe): void {
    this.#pipe = undefined;
    if (!sentToLeader) this.#client.replace(client);
    if (sentToLeader || this.#proven) this.#failWaiting({ kind: 'not-sent', detail, cause });
    else this.#fail(detail, cause);
  }

  #fail(detail: string, cause?: unknown): void {
    this.#failWaiting({ kind: 'refused', detail, cause });
  }

  #failWaiting(outcome: AppendOutcome): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve(outcome);
  }
}
