import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { SinkUnavailableError } from '@waybill/core';
import type { Delivery, DeliveryContext, OutboxMessage, Sink } from '@waybill/core';
import type { LogAnswer, LogRequest } from './acceptance-log.js';

interface Waiting {
  resolve(accepted: number): void;
  reject(error: Error): void;
}

/** Sends batches to the acceptance log, and takes its word for what was accepted. */
export class LogSink implements Sink {
  readonly #waiting = new Map<number, Waiting>();
  #socket: Socket | undefined;
  #sent = 0;

  constructor(
    private readonly port: number,
    private readonly instance: string,
  ) {}

  async deliver(batch: readonly OutboxMessage[], { lane, epoch, signal }: DeliveryContext): Promise<Delivery> {
    const messages = batch.map(({ id, stream, revision, data }) => ({
      ...{ id, stream, revision: Number(revision) },
      text: (data as { readonly text: string }).text,
    }));
    const accepted = await this.#ask({ nth: this.#sent++, instance: this.instance, lane, epoch: Number(epoch), messages }, signal);
    if (accepted === batch.length) return { accepted };
    return { accepted, failure: new SinkUnavailableError(`the log took ${accepted} of ${batch.length}`) };
  }

  async stop(): Promise<void> {
    this.#socket?.destroy();
  }

  #ask(request: LogRequest, signal: AbortSignal): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      this.#waiting.set(request.nth, { resolve, reject });
      signal.addEventListener('abort', () => reject(new Error('told to stop')), { once: true });
      this.#connection().write(`${JSON.stringify(request)}\n`);
    }).finally(() => this.#waiting.delete(request.nth));
  }

  #connection(): Socket {
    if (this.#socket && !this.#socket.destroyed) return this.#socket;
    const socket = connect(this.port, '127.0.0.1');
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    lines.on('error', () => socket.destroy());
    lines.on('line', (line) => {
      const { nth, accepted } = JSON.parse(line) as LogAnswer;
      this.#waiting.get(nth)?.resolve(accepted);
    });
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the log is not there'));
    });
    return socket;
  }
}
