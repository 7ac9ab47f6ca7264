import type { ArrivedMessage, Taken } from '@waybill/core';
import { Admission } from '@waybill/resilience';
import type { ContentMode } from '../wire/content-mode.js';
import { HEADER } from '../wire/header-names.js';
import { JSON_TYPE } from '../wire/media-types.js';
import type { Settings } from './http-receiver-options.js';
import { arrivedMessageOf } from './message/arrived-message-of.js';
import { candidatesOf } from './message/candidates.js';
import { strictEvent } from './message/strict-event.js';
import type { StrictEvent } from './message/strict-event.js';
import { headerOf } from './received-request.js';
import type { HttpReply, ReceivedRequest } from './received-request.js';
import { Refusal, retryAfter } from './refusal.js';
import { contentModeOf } from './request/content-mode-of.js';
import { declaredBytes, readBody } from './request/read-body.js';
import { checkSignature } from './request/signature-check.js';

/** How far one request has come. */
export interface Progress {
  bodyRead: boolean;
  batch: boolean;
  accepted: number;
  messageId?: string;
}

/** The way of one request from its headers to the intake: what is cheap to refuse is refused first. */
export class Reception {
  readonly #settings: Settings;
  readonly #admission: Admission;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#admission = new Admission(settings);
  }

  /** Answers what was taken; whatever was not, it throws a {@link Refusal} for, or what the intake threw. */
  async receive(request: ReceivedRequest & { readonly signal: AbortSignal }, progress: Progress): Promise<HttpReply> {
    const { method, headers, signal } = request;
    const { modes, webhooks, maxBodyBytes, maxBatch } = this.#settings;
    if (method !== 'POST') throw new Refusal('method', `${method.slice(0, 20)} is not known here.`, { allow: 'POST' });
    const mode = contentModeOf(headers, modes);
    progress.batch = mode === 'batch';
    declaredBytes(headers, maxBodyBytes);
    const leave = this.#enter();
    try {
      const body = await readBody(request, this.#settings);
      progress.bodyRead = true;
      if (webhooks) checkSignature(headers, body, { ...this.#settings, webhooks });
      const candidates = candidatesOf(mode, headers, body, maxBatch);
      const taken = new Set<Taken>();
      for (const candidate of candidates) {
        taken.add(await this.#take(this.#read(candidate, mode, request), signal, progress));
        progress.accepted += 1;
      }
      return replyOf(taken, progress);
    } finally {
      leave(); // not before the intake is done, also when the answer could not wait for it
    }
  }

  #enter(): () => void {
    const entry = this.#admission.enter();
    if (entry.admitted) return entry.leave;
    const limit =
      entry.by === 'rate' ? 'As many requests as are taken in this time have come.' : 'As many requests as are taken at once are at work.';
    throw new Refusal('too-many', `${limit} Come back later.`, retryAfter(entry.retryAfterMs));
  }

  #read(candidate: unknown, mode: ContentMode, { headers }: ReceivedRequest): ArrivedMessage {
    const { sources, webhooks, clock } = this.#settings;
    const event = strictEvent(candidate);
    if (mode === 'binary' && webhooks) requireSignedId(event, headerOf(headers, HEADER.webhookId));
    if (sources && !sources.has(event.source))
      throw new Refusal('unknown-source', `Messages of the source ${event.source} are not taken here.`);
    return arrivedMessageOf(event, clock.now());
  }

  async #take(message: ArrivedMessage, signal: AbortSignal, progress: Progress): Promise<Taken> {
    progress.messageId = message.id;
    if (signal.aborted) throw new Refusal('unavailable', 'Nobody waits for the answer any more.', retryAfter(1_000));
    return this.#settings.intake.take(message, { signal });
  }
}

// In binary mode the signature is of the payload. What binds it to one message is that its id was signed with it.
function requireSignedId({ id }: StrictEvent, signedId: string | undefined): void {
  if (id !== signedId)
    throw new Refusal('forged', `Its ${HEADER.webhookId} is not the id of its event: the signature is of another message.`);
}

function replyOf(taken: ReadonlySet<Taken>, { batch, accepted }: Progress): HttpReply {
  const outcome: Taken = taken.has('accepted') ? 'accepted' : taken.has('duplicate') && taken.size === 1 ? 'duplicate' : 'handled';
  return {
    status: outcome === 'accepted' ? 202 : 200,
    headers: { 'content-type': JSON_TYPE },
    body: JSON.stringify({ outcome, ...(batch && { accepted }) }),
  };
}
