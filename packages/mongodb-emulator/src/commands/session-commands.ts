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

/** Ends sessions with all they have open: also what `killSessions` asks for. */
export function endSessions(context: Context): Document {
  const { sessions, cursors } = context.surroundings;
  for (const lsid of (context.invocation.body[context.invocation.name] ?? []) as readonly Document[]) {
    sessions.end(lsid);
    cursors.closeOfSession(idOf(lsid));
  }
  return {};
}

export function killAllSessions({ surroundings }: Context): Document {
  surroundings.sessions.abortTransactions();
  surroundings.cursors.closeAll();
  return {};
}
