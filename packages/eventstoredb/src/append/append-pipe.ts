import { randomUUID } from 'node:crypto';
import type { BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { Clock } from '@waybill/core';
import type { BatchAppendCall } from '../connection/client-internals.js';
import { plainDetail } from '../connection/plain-detail.js';
import { decodeAnswer, uuidText } from './append-answer.js';
import type { AppendAnswer } from './append-answer.js';
import { encodeAppend } from './append-request.js';
import type { AppendRequest } from './append-request.js';

export interface AppendPipeOptions {
  readonly call: BatchAppendCall;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Called once, when nothing more can go through. */
  readonly onBroken: (reason: BrokenPipe) => void;
}

export interface BrokenPipe {
  readonly detail: string;
  readonly cause?: unknown;
  /** The client has been told who leads, and connects there next. */
  readonly sentToLeader: boolean;
}

interface InFlight {
  readonly sentAt: number;
  readonly answer: (answer: AppendAnswer) => void;
}

/**
 * One batch-append call: appends go in the order of {@link send}, answers come in any. It breaks as a whole: when the call ends, or when one
 * append gets no answer in time. What was under way then has an unknown outcome.
 */
export class AppendPipe {
  readonly #options: AppendPipeOptions;
  readonly #inFlight = new Map<string, InFlight>(); // oldest first
  #cancelTimer: (() => void) | undefined;
  #broken = false;

  constructor(options: AppendPipeOptions) {
    this.#options = options;
    const { call } = options;
    call.on('data', (response: BatchAppendResp) => this.#receive(response));
    call.on('error', (error: Error) => this.#break({ detail: textOf(error), cause: error, sentToLeader: isNotLeader(error) }));
    call.on('end', () => this.#break({ detail: 'the server ended the call', sentToLeader: false }));
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** @param answer - called exactly once, never from within this call */
  send(request: AppendRequest, answer: (answer: AppendAnswer) => void): void {
    const correlationId = randomUUID();
    const { clock, timeoutMs, call } = this.#options;
    this.#inFlight.set(correlationId, { sentAt: clock.monotonic(), answer });
    call.write(encodeAppend(request, correlationId));
    this.#cancelTimer ??= clock.after(timeoutMs, () => this.#expire());
  }

  close(detail: string): void {
    this.#break({ detail, sentToLeader: false });
  }

  #receive(response: BatchAppendResp): void {
    const correlationId = uuidText(response.getCorrelationId());
    const inFlight = this.#inFlight.get(correlationId);
    if (!inFlight) return; // a second answer: servers send a time-out after a refusal
    this.#inFlight.delete(correlationId);
    inFlight.answer(decodeAnswer(response));
  }

  #expire(): void {
    const { clock, timeoutMs } = this.#options;
    const [oldest] = this.#inFlight.values();
    this.#cancelTimer = undefined;
    if (!oldest) return;
    const leftMs = oldest.sentAt + timeoutMs - clock.monotonic();
    if (leftMs > 0) this.#cancelTimer = clock.after(leftMs, () => this.#expire());
    else this.#break({ detail: `no answer to an append within ${timeoutMs} ms (appendTimeoutMs)`, sentToLeader: false });
  }

  #break(reason: BrokenPipe): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#cancelTimer?.();
    this.#options.call.cancel();
    const { detail, cause } = reason;
    const inFlight = [...this.#inFlight.values()];
    this.#inFlight.clear();
    this.#options.onBroken(reason);
    for (const { answer } of inFlight) answer({ kind: 'unknown', detail, cause });
  }
}

const isNotLeader = (error: unknown): boolean => exceptionOf(error) === 'not-leader';

function exceptionOf(error: unknown): string | undefined {
  const { metadata } = error as { metadata?: { get(key: string): readonly unknown[] } };
  return metadata?.get('exception')[0]?.toString();
}

function textOf(error: Error): string {
  const { details } = error as { details?: string };
  return isNotLeader(error) ? 'the server does not lead its cluster' : plainDetail(details || error.message);
}
