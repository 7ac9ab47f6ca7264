import type { SubscriptionAdvance, SubscriptionFailure, SubscriptionLease, SubscriptionProgress } from '@waybill/core';
import type { Document } from 'mongodb';
import { int64 } from './int64.js';
import type { SubscriptionDocument, SubscriptionFailureDocument } from './stored-documents.js';

/**
 * Moves on, or fails in the server where the lease is not the subscription's any more: then the server aborts the transaction at once, whoever
 * swallows the error. To be written as an upsert, so that it fails too where the subscription was removed.
 */
export function advancePipeline({ epoch }: SubscriptionLease, advance: SubscriptionAdvance): Document[] {
  const { position, lastMessage, lastOccurredAt, messages } = advance;
  const fail = { $toInt: { $concat: ['subscription lost: ', '$_id'] } };
  return [
    {
      $set: {
        epoch: { $cond: [{ $eq: ['$epoch', int64(epoch)] }, '$epoch', fail] },
        position: { $max: ['$position', int64(position)] },
        ...(lastMessage !== undefined && { lastMessage: { $max: ['$lastMessage', int64(lastMessage)] } }),
        ...(lastOccurredAt && { lastOccurredAt }),
        messages: { $add: ['$messages', int64(BigInt(messages))] },
        ...{ state: 'running', failure: null, movedAt: '$$NOW' },
      },
    },
  ];
}

export const progressOf = ({ position, lastMessage, state, failure }: SubscriptionDocument): SubscriptionProgress => ({
  position: position?.toBigInt(),
  lastMessage: lastMessage?.toBigInt(),
  state,
  failure: failure ? failureOf(failure) : undefined,
});

export function storedFailure({ message, attempts, nextTryAt, code, error }: SubscriptionFailure): SubscriptionFailureDocument {
  const stored = message && { ...message, revision: int64(message.revision), position: int64(message.position) };
  return { message: stored ?? null, attempts, nextTryAt: nextTryAt ?? null, code, error };
}

const failureOf = ({ message, attempts, nextTryAt, code, error }: SubscriptionFailureDocument): SubscriptionFailure => ({
  message: message ? { ...message, revision: message.revision.toBigInt(), position: message.position.toBigInt() } : undefined,
  ...{ attempts, nextTryAt: nextTryAt ?? undefined, code, error },
});
