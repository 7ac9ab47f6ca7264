import { aggregate } from './aggregate.js';
import { bulkWrite } from './bulk-write.js';
import type { Command } from './context.js';
import { count } from './count.js';
import { createIndexes } from './create-indexes.js';
import { create } from './create.js';
import { deleteCommand } from './delete.js';
import { distinct } from './distinct.js';
import { dropDatabase } from './drop-database.js';
import { dropIndexes } from './drop-indexes.js';
import { drop } from './drop.js';
import { abortTransaction, commitTransaction } from './end-transaction.js';
import { explain } from './explain.js';
import { findAndModify } from './find-and-modify.js';
import { find } from './find.js';
import { getMore } from './get-more.js';
import { insert } from './insert.js';
import { killCursors } from './kill-cursors.js';
import { listCollections } from './list-collections.js';
import { listDatabases } from './list-databases.js';
import { listIndexes } from './list-indexes.js';
import { endSessions, killAllSessions, killSessions, refreshSessions, startSession } from './session-commands.js';
import { update } from './update.js';

/** What the engine can do, by the names that it is asked for. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['insert', insert],
  ['update', update],
  ['delete', deleteCommand],
  ['findAndModify', findAndModify],
  ['findandmodify', findAndModify],
  ['bulkWrite', bulkWrite],
  ['find', find],
  ['aggregate', aggregate],
  ['count', count],
  ['distinct', distinct],
  ['getMore', getMore],
  ['killCursors', killCursors],
  ['explain', explain],
  ['commitTransaction', commitTransaction],
  ['abortTransaction', abortTransaction],
  ['createIndexes', createIndexes],
  ['listIndexes', listIndexes],
  ['dropIndexes', dropIndexes],
  ['create', create],
  ['drop', drop],
  ['dropDatabase', dropDatabase],
  ['listCollections', listCollections],
  ['listDatabases', listDatabases],
  ['startSession', startSession],
  ['refreshSessions', refreshSessions],
  ['endSessions', endSessions],
  ['killSessions', killSessions],
  ['killAllSessions', killAllSessions],
  ['killAllSessionsByPattern', killAllSessions],
]);

/** Commands that servers have from a wire version on. */
export const SINCE_WIRE_VERSION: ReadonlyMap<string, number> = new Map([['bulkWrite', 25]]);
