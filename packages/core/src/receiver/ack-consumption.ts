import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { RetryOptions } from '../backoff.js';
import { AckLoop } from './ack-loop.js';
import type { AckLoopOptions } from './ack-loop.js';
import { handledDelivery } from './handled-delivery.js';
import type { HandledDeliveryOptions } from './handled-delivery.js';
import type { Receiver } from './receiver.js';

export interface AckConsumptionOptions<Tx> extends Pick<HandledDeliveryOptions<Tx>, 'handlers' | 'catalogue' | 'logger'> {
  readonly name: string;
  readonly receiver: Receiver;
  readonly unknownTypes?: 'reject' | 'ignore';
  readonly onFailure?: 'retry' | 'park';
  readonly concurrency?: number;
  readonly retry?: RetryOptions;
  readonly stopWithinMs?: number;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly reached?: AckLoopOptions['reached'];
  readonly tell: AckLoopOptions['tell'];
}

/** A consumer over a receiver, in this process. */
export interface ReceiverStatus {
  /** `waiting`: the source is away, and is tried again. */
  readonly state: 'running' | 'waiting' | 'stopped';
  /** Messages that are being handled. */
  readonly inFlight: number;
}

interface Run {
  readonly stopping: AbortController;
  readonly cut: AbortController;
  readonly ended: Promise<void>;
}

const DEFAULT_CONCURRENCY = 10;
const DEFAULT_STOP_WITHIN_MS = 10_000;

/** Starts and stops the handling of what a receiver hands out. */
export class AckConsumption<Tx> {
  readonly #loop: AckLoop;
  #run: Run | undefined;

  constructor(private readonly options: AckConsumptionOptions<Tx>) {
    const { unknownTypes = 'reject', onFailure = 'retry', concurrency = DEFAULT_CONCURRENCY, retry = {}, reached } = options;
    const { clock = systemClock, random = Math.random } = options;
    const handling = { ...options, unknownTypes, onFailure, attempts: retry.attempts };
    const handle: AckLoopOptions['handle'] = (arrival, tries) => handledDelivery<Tx>(arrival, tries, handling);
    this.#loop = new AckLoop({ ...options, handle, concurrency, retry, reached, clock, random });
  }

  async start(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return this.stop();
    if (this.#run?.stopping.signal.aborted) await this.stop(); // a stop under way comes first
    if (this.#run) return;
    const [stopping, cut] = [new AbortController(), new AbortController()];
    const onAbort = (): void => void this.stop();
    signal?.addEventListener('abort', onAbort, { once: true });
    const ended = this.#loop.run(stopping.signal, cut.signal).finally(() => signal?.removeEventListener('abort', onAbort));
    this.#run = { stopping, cut, ended };
  }

  async stop(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    const { clock = systemClock, stopWithinMs = DEFAULT_STOP_WITHIN_MS } = this.options;
    run.stopping.abort();
    const cancel = clock.after(stopWithinMs, () => run.cut.abort());
    await run.ended;
    cancel();
    if (this.#run === run) this.#run = undefined;
  }

  status(): ReceiverStatus {
    const { isWaiting, inFlight } = this.#loop;
    return { state: !this.#run ? 'stopped' : isWaiting ? 'waiting' : 'running', inFlight };
  }
}
