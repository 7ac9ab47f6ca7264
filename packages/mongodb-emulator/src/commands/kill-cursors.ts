import type { Document, Long } from 'bson';
import type { Context } from './context.js';

export function killCursors({ arguments: given, surroundings }: Context): Document {
  const ids = (given.fields.cursors ?? []) as readonly Long[];
  const cursorsKilled = ids.filter((id) => surroundings.cursors.has(id));
  for (const id of cursorsKilled) surroundings.cursors.close(id);
  const cursorsNotFound = ids.filter((id) => !cursorsKilled.includes(id));
  return { cursorsKilled, cursorsNotFound, cursorsAlive: [], cursorsUnknown: [] };
}
