import type { History, Violation } from './history.js';

const MOST_LINES = 40;

/** The counter-example: what happened to the one stream, and to its lane meanwhile, in few lines. */
export function storyOf({ stream, promise, what }: Violation, { attempts, rows, deliveries, stored }: History): string {
  const own = rows.filter((row) => row.stream === stream);
  const texts = new Set(own.map(({ text }) => text));
  const short = (id: string): string => id.slice(0, 8);
  const committed = own.map(({ revision, id, text }) => `    ${revision} ${short(id)} "${text}"`);
  const unclear = attempts
    .filter((attempt) => attempt.outcome === 'unknown' && attempt.texts.some((text) => texts.has(text)))
    .map((attempt) => `    outcome unknown, found in the database: ${attempt.texts.join(', ')}`);
  const seen = deliveries.flatMap(({ instance, lane, epoch, at, messages }, nth) => {
    const here = messages.filter((message) => message.stream === stream);
    if (here.length === 0) return [];
    const list = here.map(({ revision, id }) => `${revision} ${short(id)}`).join(', ');
    return [`    delivery ${nth} at ${new Date(at).toISOString().slice(11, 23)}, ${instance}, lane ${lane}, epoch ${epoch}: ${list}`];
  });
  const kept = (stored.get(stream) ?? []).map((id, revision) => `    ${revision} ${short(id)}`);
  return [
    `${promise}: stream ${stream}: ${what}`,
    ...['  committed:', ...lastOf(committed), ...lastOf(unclear)],
    ...['  the log took:', ...lastOf(seen)],
    ...['  EventStoreDB has:', ...lastOf(kept)],
  ].join('\n');
}

function lastOf(lines: readonly string[]): readonly string[] {
  return lines.length <= MOST_LINES ? lines : [`    ... ${lines.length - MOST_LINES} more`, ...lines.slice(-MOST_LINES)];
}
