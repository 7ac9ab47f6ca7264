import type { Delivery, DeliveryContext, OutboxMessage, Sink } from '@waybill/core';
import { SinkUnavailableError } from '@waybill/core';
import type { AppendQueue } from '../append/append-queue.js';
import type { CurrentClient } from '../connection/current-client.js';
import type { Settings } from '../eventstoredb-options.js';
import { DeliveryRounds } from './delivery-rounds.js';
import type { StreamTrack } from './stream-track.js';
import { tracksByRun, tracksByStream } from './tracks.js';

/**
 * Stores each message once, at exactly the revision that the outbox gave it, with its id as event id.
 *
 * Appends go with exact expected revisions; whatever the answer leaves open is read back and compared by id. What is found stored counts as
 * delivered; another event in a message's place refuses the message for good, and its lane halts.
 */
export class EventStoreDBSink implements Sink {
  readonly needsWholeStreams = true;
  readonly #client: CurrentClient;
  readonly #queue: AppendQueue;
  readonly #settings: Settings;
  readonly #rounds: DeliveryRounds;

  constructor(client: CurrentClient, queue: AppendQueue, settings: Settings) {
    this.#client = client;
    this.#queue = queue;
    this.#settings = settings;
    this.#rounds = new DeliveryRounds(client, queue, settings);
  }

  /** Connects to nothing yet: a server that is away must not keep a dispatcher from starting. @throws `INVALID_OPTIONS` */
  async start(): Promise<void> {
    this.#client.get();
  }

  /** Ends the connection for appends; it comes back with the next delivery. */
  async stop(): Promise<void> {
    this.#queue.disconnect();
  }

  async deliver(batch: readonly OutboxMessage[], { signal, order }: DeliveryContext): Promise<Delivery> {
    const tracks = order === 'global' ? await this.#oneAfterTheOther(batch, signal) : await this.#sideBySide(batch, signal);
    return deliveryOf(batch, tracks);
  }

  async #sideBySide(batch: readonly OutboxMessage[], signal: AbortSignal): Promise<readonly StreamTrack[]> {
    const tracks = tracksByStream(batch, this.#settings);
    await this.#rounds.run(tracks, signal);
    return tracks;
  }

  /** Stop and wait: an append leaves when the one before it is stored, so `$all` has the order of the batch, with nothing behind a failure. */
  async #oneAfterTheOther(batch: readonly OutboxMessage[], signal: AbortSignal): Promise<readonly StreamTrack[]> {
    const tracks = tracksByRun(batch, this.#settings);
    for (const [nth, track] of tracks.entries()) {
      await this.#rounds.run([track], signal);
      if (track.trouble) return tracks.slice(0, nth + 1);
    }
    return tracks;
  }
}

function deliveryOf(batch: readonly OutboxMessage[], tracks: readonly StreamTrack[]): Delivery {
  const stored = new Array<boolean>(batch.length).fill(false);
  for (const { entries, settled } of tracks) for (const { index } of entries.slice(0, settled)) stored[index] = true;
  const accepted = stored.indexOf(false);
  if (accepted === -1) return { accepted: batch.length };

  const { stream } = batch[accepted]!;
  const failure = tracks.findLast((track) => track.stream === stream && track.trouble)?.trouble;
  const acceptedBeyond = [...stored.keys()].filter((index) => index > accepted && stored[index]);
  return {
    accepted,
    ...(acceptedBeyond.length > 0 && { acceptedBeyond }),
    failure: failure ?? new SinkUnavailableError('the delivery ended early'),
  };
}
