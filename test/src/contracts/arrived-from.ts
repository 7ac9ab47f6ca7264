import type { ArrivedMessage, OutboxMessage } from '@waybill/core';

/** A message as it arrives where it was sent to. */
export const arrivedFrom = (message: OutboxMessage): ArrivedMessage => {
  const { id, kind, type, stream, revision, occurredAt, schemaVersion, codec, metadata } = message;
  const json: unknown = JSON.parse(message.payload);
  return { id, kind, type, stream, revision, occurredAt, schemaVersion, codec, metadata, json, source: 'in-memory' };
};
