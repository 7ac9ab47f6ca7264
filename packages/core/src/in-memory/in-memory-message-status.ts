import type { MessageQuery, MessageStatus } from '../outbox/delivery-status.js';
import { FAILED_OUTCOMES } from '../outbox/delivery-attempt.js';
import type { StoredRoute } from '../outbox/route-store.js';
import { selects } from '../outbox/selects.js';
import { laneRowOf, standing } from './in-memory-place.js';
import type { CommittedRow, InMemoryState } from './in-memory-state.js';

const DEFAULT_MOST = 100;

/** The lines of `outbox_status` that were asked for, by revision and route. */
export function messageStatus(state: InMemoryState, query: MessageQuery): readonly MessageStatus[] {
  const routes = [...state.routes.values()].filter(({ retiredAt }) => !retiredAt).sort((a, b) => (a.name < b.name ? -1 : 1));
  return rowsOf(state, query).flatMap((row) =>
    routes.filter(({ selection }) => selects(selection, row)).flatMap((route) => lineOf(state, route, row) ?? []),
  );
}

function rowsOf({ rows, rowsByStream }: InMemoryState, query: MessageQuery): readonly CommittedRow[] {
  if ('messageId' in query) return rows.filter((row) => row !== undefined).filter(({ id }) => id === query.messageId);
  const { stream, from = 0n, most = DEFAULT_MOST } = query;
  return (rowsByStream.get(stream) ?? []).filter(({ revision }) => revision >= from).slice(0, most);
}

function lineOf(state: InMemoryState, { name }: StoredRoute, row: CommittedRow): MessageStatus | undefined {
  const laneRow = laneRowOf(state, name, row);
  if (!laneRow) return undefined;
  const { passed, stopped } = standing(state, laneRow, row);
  const failure = stopped?.failure ?? (!passed && laneRow.progress.state !== 'running' ? laneRow.progress.failure : undefined);
  const tries = [...state.history.values()].filter(({ route, messageIds }) => route === name && messageIds.includes(row.id));
  const failed = tries.filter(({ outcome }) => FAILED_OUTCOMES.includes(outcome));
  const status = failure ? 'FAILED' : passed ? 'DONE' : 'WAITING';
  const done = status === 'DONE' ? tries.findLast(({ outcome }) => !FAILED_OUTCOMES.includes(outcome)) : undefined;
  return {
    ...{ messageId: row.id, stream: row.stream, revision: row.revision, type: row.type, route: name, lane: laneRow.lane, status },
    ...{ failCount: failed.length, occurredAt: row.occurredAt, processedAt: done?.recordedAt, failedAt: failed.at(-1)?.recordedAt },
    error: failure?.error,
  };
}
