import type { ArrivedMessage } from '@waybill/core';
import { aMessage } from './a-message.js';

/** A valid message from elsewhere, of a sender that tells neither what came before nor its epoch. */
export function anArrivedMessage(stream: string, revision: bigint, overrides: Partial<ArrivedMessage> = {}): ArrivedMessage {
  const { payload, ...message } = aMessage();
  const json: unknown = JSON.parse(payload);
  return { ...message, json, stream, revision, source: 'https://sender.example/orders', ...overrides };
}
