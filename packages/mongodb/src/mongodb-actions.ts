import { randomUUID } from 'node:crypto';
import type { LaneAction, LaneActionRequest, LaneActions, LaneLease, RecordedAction } from '@waybill/core';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import { SERVER_FILLS_IN } from './stored-documents.js';
import type { ActionDocument } from './stored-documents.js';

export class MongoDBActions implements LaneActions {
  constructor(private readonly collections: MongoDBCollections) {}

  async request({ route, lane, kind, messageId, stream, reason, requestedBy }: LaneActionRequest): Promise<void> {
    try {
      await this.collections.actions.insertOne({
        ...{ _id: randomUUID(), route, lane, kind, messageId: messageId ?? null, stream: stream ?? null, reason: reason ?? null },
        ...{ requestedBy: requestedBy ?? null, at: SERVER_FILLS_IN(), requestedAt: new Date() },
        ...{ executedAt: null, outcome: null, note: null },
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
      return actions.map(requestOf) as readonly LaneAction[]; // what a policy did by itself has ended when it is recorded
    } catch (error) {
      throw translate(error);
    }
  }

  async recorded(route: string, most: number): Promise<readonly RecordedAction[]> {
    try {
      const actions = await this.collections.actions.find({ route }).sort({ at: -1, nth: -1 }).limit(most).toArray();
      return actions.map((action) => ({ ...requestOf(action), ...endOf(action) }));
    } catch (error) {
      throw translate(error);
    }
  }
}

function requestOf(action: ActionDocument): RecordedAction {
  const { _id: id, route, lane, kind, messageId, stream, reason, requestedBy, requestedAt } = action;
  return { ...{ id, route, lane, kind, requestedAt }, ...withoutNulls({ messageId, stream, reason, requestedBy }) };
}

const endOf = ({ executedAt, outcome, note }: ActionDocument) => withoutNulls({ executedAt, outcome, note });

type Present<Fields> = { readonly [Name in keyof Fields]?: NonNullable<Fields[Name]> };

const withoutNulls = <Fields extends object>(fields: Fields): Present<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as Present<Fields>;
