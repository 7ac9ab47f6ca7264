import { randomUUID } from 'node:crypto';
import type { Mark, Witness } from '@waybill/core';
import type { AppendOutcome, AppendQueue } from '../append/append-queue.js';
import type { CurrentClient } from '../connection/current-client.js';
import { readEvents } from '../connection/read-events.js';
import type { EventToAppend } from '../event/event-to-append.js';
import { EventStoreDBUnavailableError } from '../eventstoredb-errors.js';
import type { Settings } from '../eventstoredb-options.js';

const MARK_TYPE = 'waybill-mark';
/** Only the last mark counts; some more are kept for whoever wants to see since when. */
const MARKS_KEPT = 100;

/**
 * Remembers an outbox's marks in a stream of its own, `waybill-witness-<outbox id>`: the mark's number is the event's revision, its nonce the
 * event's id. So the server itself refuses a number twice, or a hole.
 */
export class EventStoreDBWitness implements Witness {
  constructor(
    private readonly client: CurrentClient,
    private readonly queue: AppendQueue,
    private readonly settings: Settings,
  ) {}

  async last(outboxId: string): Promise<Mark | undefined> {
    const options = { from: 'end', limit: 1, leader: true } as const;
    for await (const { id, revision } of readEvents(this.client, this.settings, streamOf(outboxId), options)) {
      return { outboxId, number: revision, nonce: id };
    }
    return undefined;
  }

  async record(mark: Mark): Promise<boolean> {
    const stream = streamOf(mark.outboxId);
    const outcome = await this.#append(stream, mark.number, event(mark.nonce, MARK_TYPE, { number: String(mark.number) }));
    if (outcome.kind === 'accepted' && outcome.revision === mark.number) {
      if (mark.number === 0n) await this.#keepFew(stream);
      return true;
    }
    if (outcome.kind !== 'accepted' && outcome.kind !== 'conflict' && outcome.kind !== 'unknown')
      throw new EventStoreDBUnavailableError(`a mark was not recorded in stream "${stream}": ${detailOf(outcome)}`);
    if (await this.#has(stream, mark)) return true;
    if (outcome.kind !== 'unknown') return false;
    throw new EventStoreDBUnavailableError(`what became of a mark in stream "${stream}" is not known: ${outcome.detail}`, {
      cause: outcome.cause,
    });
  }

  async #has(stream: string, { number, nonce }: Mark): Promise<boolean> {
    for await (const { id, revision } of readEvents(this.client, this.settings, stream, { from: number, limit: 1, leader: true })) {
      return revision === number && id.toLowerCase() === nonce.toLowerCase();
    }
    return false;
  }

  /** Where it may not say so, or was gone before: the stream keeps all marks, which is as good but for its size. */
  async #keepFew(stream: string): Promise<void> {
    await this.#append(`$$${stream}`, 0n, event(randomUUID(), '$metadata', { $maxCount: MARKS_KEPT }));
  }

  #append(stream: string, revision: bigint, event: EventToAppend): Promise<AppendOutcome> {
    return this.queue.append({ stream, revision, events: [event] }, () => true);
  }
}

const streamOf = (outboxId: string): string => `waybill-witness-${outboxId}`;

function event(id: string, type: string, content: object): EventToAppend {
  const data = Buffer.from(JSON.stringify(content));
  const metadata = Buffer.from('{}');
  return { id, type, data, metadata, bytes: data.length + metadata.length + 2 * type.length };
}

const detailOf = (outcome: AppendOutcome): string => ('detail' in outcome ? outcome.detail : `the server answered "${outcome.kind}"`);
