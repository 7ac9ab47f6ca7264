import { randomUUID } from 'node:crypto';
import type { Appender } from '../append/appender.js';
import { metastreamOf } from '../store/stream-metadata.js';

export interface ServerEvent {
  readonly type: string;
  readonly data: string;
  readonly json?: boolean;
  readonly metadata?: string;
}

/** Writes the server's own events: they go into the log like everybody's, and so survive what the log survives. */
export class ServerWriter {
  constructor(private readonly appender: Appender) {}

  write(stream: string, { type, data, json = true, metadata = '' }: ServerEvent): void {
    const event = { id: randomUUID(), type, json, data: Buffer.from(data), metadata: Buffer.from(metadata) };
    this.appender.append({ stream, expected: 'any', events: [event] });
  }

  /** Sets what is kept of a stream: `$maxCount`, `$tb`. */
  describe(stream: string, metadata: Readonly<Record<string, number>>): void {
    this.write(metastreamOf(stream), { type: '$metadata', data: JSON.stringify(metadata) });
  }

  /** Hides a stream if it exists. */
  delete(stream: string): void {
    this.appender.softDelete(stream, 'any');
  }
}
