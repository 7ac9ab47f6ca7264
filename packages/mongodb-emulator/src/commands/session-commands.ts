import type { Document } from 'bson';
import { UUID } from 'bson';
import { idOf } from '../transactions/sessions.js';
import type { Context } from './context.js';

export function startSession(): Document {
  return { id: { id: new UUID().toBinary() }, timeoutMinutes: 30 };
}

export function refreshSessions(): Document {
  return {};
}

/** Ends sessions with all they have open. */
export function endSessions({ arguments: given, surroundings }: Context): Document {
  for (const lsid of given.requiredDocuments('endSessions')) {
    surroundings.sessions.end(lsid);
    surroundings.cursors.closeOfSession(idOf(lsid));
  }
  return {};
}

/** Ends what sessions have open; they go on being sessions. */
export function killSessions(context: Context): Document {
  const { arguments: given, surroundings } = context;
  const lsids = given.requiredDocuments('killSessions');
  if (lsids.length === 0) return killAllSessions(context);
  for (const lsid of lsids) {
    surroundings.sessions.abortTransactionOf(lsid);
    surroundings.cursors.closeOfSession(idOf(lsid));
  }
  return {};
}

export function killAllSessions({ surroundings }: Context): Document {
  surroundings.sessions.abortTransactions();
  surroundings.cursors.closeAll();
  return {};
}
