import type { MongoDBCollections } from '../mongodb-collections.js';

/** What is there already is left alone. Each index costs every write of its collection: those of the outbox, every commit. */
export async function createIndexes(collections: MongoDBCollections): Promise<void> {
  const { outbox, actions, stopped, history, inbox, processes, timeouts, cases } = collections;
  await outbox.createIndexes([
    { key: { lane: 1, position: 1 }, name: 'lane', partialFilterExpression: { position: { $gt: 0 } } },
    { key: { pending: 1, at: 1 }, name: 'pending', partialFilterExpression: { pending: true } },
    { key: { id: 1 }, name: 'id' },
  ]);
  await actions.createIndexes([
    { key: { executedAt: 1, route: 1, lane: 1 }, name: 'due' },
    { key: { route: 1, at: 1, nth: 1 }, name: 'recorded' },
    { key: { messageId: 1 }, name: 'message' },
  ]);
  await stopped.createIndexes([{ key: { '_id.stream': 1 }, name: 'stream' }]);
  await history.createIndexes([
    { key: { at: 1 }, name: 'age' },
    { key: { '_id.lane': 1, clusterTime: 1, '_id.route': 1 }, name: 'delivered', partialFilterExpression: { '_id.outcome': 'delivered' } },
    { key: { messageIds: 1 }, name: 'not_delivered', partialFilterExpression: { notDelivered: true } },
  ]);
  await inbox.createIndexes([{ key: { byLane: 1, firstAttemptAt: 1 }, name: 'age' }]);
  await processes.createIndexes([
    { key: { '_id.process': 1, status: 1, changedAt: 1 }, name: 'process' },
    { key: { '_id.key': 1 }, name: 'key' },
    { key: { 'steps.state': 1, changedAt: 1 }, name: 'step' },
  ]);
  await timeouts.createIndexes([{ key: { dueAt: 1 }, name: 'due' }]);
  await cases.createIndexes([{ key: { 'closed.at': 1, openedAt: 1 }, name: 'open' }]);
}
