import { randomUUID } from 'node:crypto';
import type { LaneAction, LaneActionRequest, LaneActions, LaneLease } from '@waybill/core';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import { SERVER_FILLS_IN } from './stored-documents.js';

export class MongoDBActions implements LaneActions {
  constructor(private readonly collections: MongoDBCollections) {}

  async request({ route, lane, kind, messageId, reason }: LaneActionRequest): Promise<void> {
    try {
      await this.collections.actions.insertOne({
        ...{ _id: randomUUID(), route, lane, kind, messageId: messageId ?? null, reason: reason ?? null },
        ...{ at: SERVER_FILLS_IN(), requestedAt: new Date(), executedAt: null, outcome: null, note: null },
      });
    } catch (error) {
      throw translate(error);
    }
  }

  async due(leases: readonly LaneLease[]): Promise<readonly LaneAction[]> {
    if (leases.length === 0) return [];
    try {
      const actions = await this.collections.actions
        .find({ executedAt: null, $or: leases.map(({ route, lane }) => ({ route, lane })) })
        .sort({ at: 1 })
        .toArray();
      return actions.map(({ _id: id, route, lane, kind, messageId, reason, requestedAt }) => ({
        ...{ id, route, lane, kind, requestedAt },
        ...(messageId !== null && { messageId }),
        ...(reason !== null && { reason }),
      }));
    } catch (error) {
      throw translate(error);
    }
  }
}
