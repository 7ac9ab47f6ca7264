import { DatabaseReplacedError } from '@waybill/core';
import type { Long } from 'mongodb';
import type { MongoDBCollections } from '../mongodb-collections.js';
import { translate } from '../mongodb-errors.js';
import type { IdentityDocument } from '../stored-documents.js';
import { outboxUuid, refuseUnmigrated } from './identity.js';
import { refuseStandAlone } from './topology.js';

/**
 * What order rests on, checked before anything is delivered.
 *
 * @param name - what the options call this outbox; stored when it is the first that does
 */
export async function verify(collections: MongoDBCollections, name: string | undefined): Promise<void> {
  try {
    await refuseStandAlone(collections);
    await refuseReplaced(collections, await refuseUnmigrated(collections));
    await checkName(collections, name);
  } catch (error) {
    throw translate(error);
  }
}

// Whoever copies a database keeps the name in it, and gives another one in the options of the copy.
async function checkName({ identity }: MongoDBCollections, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  await identity.updateOne({ _id: 'outbox', name: { $exists: false } }, { $set: { name } });
  const stored = await identity.findOne({ _id: 'outbox' });
  if (stored?.name !== name) throw new DatabaseReplacedError(`it is named "${stored?.name}", and the options say "${name}"`);
}

// Places are numbers that only the counter gives: they mean something beside it alone, and only while it goes forward.
export async function refuseReplaced(
  collections: MongoDBCollections,
  { collection }: IdentityDocument,
  laneCount = collections.laneCount,
): Promise<void> {
  const { outbox, lanes } = collections;
  if ((await outboxUuid(collections)) !== collection) {
    throw new DatabaseReplacedError(
      `collection "${outbox.collectionName}" is not the one that was made here, as after a dump was restored`,
    );
  }
  const given = await lastGiven(collections);
  const every = Array.from({ length: laneCount }, (_, lane) => lane);
  const ahead = await lanes.findOne({ position: { $gt: given } });
  const later = await outbox.findOne({ lane: { $in: every }, position: { $gt: given } }, { projection: { id: 1, position: 1 } });
  if (!ahead && !later) return;
  // Numbers are given all the time: only what lies behind the counter also now was never given here.
  const now = await lastGiven(collections);
  if (ahead?.position.greaterThan(now)) {
    const { route, lane } = ahead._id;
    throw new DatabaseReplacedError(
      `lane ${route}/${lane} is at position ${String(ahead.position)}, and the last that was given is ${String(now)}`,
    );
  }
  if (later?.position?.greaterThan(now)) {
    throw new DatabaseReplacedError(
      `message ${later.id} is at position ${String(later.position)}, and the last that was given is ${String(now)}`,
    );
  }
}

async function lastGiven({ sequencer }: MongoDBCollections): Promise<Long> {
  const counter = await sequencer.findOne({ _id: 'sequencer' });
  if (!counter) throw new DatabaseReplacedError(`${sequencer.namespace} has lost its counter, the document "sequencer"`);
  return counter.position;
}
