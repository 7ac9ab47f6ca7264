import { DatabaseReplacedError } from '@waybill/core';
import { int64 } from '../int64.js';
import type { MongoDBCollections } from '../mongodb-collections.js';
import { translate } from '../mongodb-errors.js';
import type { IdentityDocument } from '../stored-documents.js';
import { outboxUuid, refuseUnmigrated } from './identity.js';
import { refuseStandAlone } from './topology.js';

/** What order rests on, checked before anything is delivered. */
export async function verify(collections: MongoDBCollections): Promise<void> {
  try {
    await refuseStandAlone(collections);
    await refuseReplaced(collections, await refuseUnmigrated(collections));
  } catch (error) {
    throw translate(error);
  }
}

// Places are numbers that only the counter gives: they mean something beside it alone, and only while it goes forward.
async function refuseReplaced(collections: MongoDBCollections, { collection }: IdentityDocument): Promise<void> {
  const { outbox, lanes, sequencer, laneCount } = collections;
  if ((await outboxUuid(collections)) !== collection) {
    throw new DatabaseReplacedError(
      `collection "${outbox.collectionName}" is not the one that was made here, as after a dump was restored`,
    );
  }
  const counter = await sequencer.findOne({ _id: 'sequencer' });
  const given = counter?.position ?? int64(0n);
  const ahead = await lanes.findOne({ position: { $gt: given } });
  if (ahead) {
    const { route, lane } = ahead._id;
    throw new DatabaseReplacedError(
      `lane ${route}/${lane} is at position ${String(ahead.position)}, and the last that was given is ${String(given)}`,
    );
  }
  const every = Array.from({ length: laneCount }, (_, lane) => lane);
  const later = await outbox.findOne({ lane: { $in: every }, position: { $gt: given } }, { projection: { id: 1, position: 1 } });
  if (later)
    throw new DatabaseReplacedError(
      `message ${later.id} is at position ${String(later.position)}, and the last that was given is ${String(given)}`,
    );
}
