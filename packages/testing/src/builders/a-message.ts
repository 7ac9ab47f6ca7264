import { randomUUID } from 'node:crypto';
import { streamHash } from '@waybill/core';
import type { MessageToAppend, StreamAppend } from '@waybill/core';

/** A valid message on its way into a stream. */
export function aMessage(type = 'Happened', overrides: Partial<MessageToAppend> = {}): MessageToAppend {
  const id = randomUUID();
  return {
    id,
    kind: 'event',
    type,
    occurredAt: new Date('2024-02-29T12:00:00.000Z'),
    schemaVersion: 1,
    metadata: { correlationId: id },
    codec: 'json',
    payload: '{"n":1}',
    ...overrides,
  };
}

/** A valid append of one message, at whatever revision comes next. */
export function anAppend(stream: string, overrides: Partial<Omit<StreamAppend, 'stream' | 'hash'>> = {}): StreamAppend {
  return { stream, hash: streamHash(stream), expected: 'any', adopt: false, messages: [aMessage()], ...overrides };
}
