import type { DeliveryAttempt } from '../outbox/delivery-attempt.js';
import type { MessagePlace } from '../outbox/delivery-status.js';
import type { DiscardedMessage, ExecutedAction, Settlement } from '../outbox/lane-store.js';
import type { InMemoryState, StoredLaneRow } from './in-memory-state.js';

const MOST_DETAIL = 1_000;

/** Everything that one settlement changes. Nothing in here fails or waits, so nobody sees half of it. A second time changes nothing. */
export function recordSettlement(state: InMemoryState, lane: StoredLaneRow, settlement: Settlement): void {
  const { checkpoint, state: laneState, failure, suspects } = settlement;
  const { executed = [], stopped = [], resumed = [], discarded = [], placeholders = [], delivered = [], attempts = [] } = settlement;
  lane.progress = { checkpoint, state: laneState, failure, suspects };
  for (const stream of stopped) lane.stopped.set(stream.stream, stream);
  for (const stream of resumed) lane.stopped.delete(stream);
  for (const place of placeholders) recordPlaceholder(state, place);
  for (const place of delivered) recordDelivered(state, lane, place);
  for (const action of executed) endAction(state, action);
  for (const message of discarded) recordDiscard(state, lane, message);
  for (const attempt of attempts) recordAttempt(state, lane, attempt);
}

function recordPlaceholder(state: InMemoryState, { stream, revision }: MessagePlace): void {
  const row = state.rowsByStream.get(stream)?.find((candidate) => candidate.revision === revision);
  if (row) state.placeholders.add(row.id);
}

function recordDelivered(state: InMemoryState, { route }: StoredLaneRow, { stream, revision }: MessagePlace): void {
  const ofRoute = state.delivered.get(route) ?? new Map<string, bigint>();
  if (revision > (ofRoute.get(stream) ?? -1n)) ofRoute.set(stream, revision);
  state.delivered.set(route, ofRoute);
}

function endAction(state: InMemoryState, { id, outcome, note }: ExecutedAction): void {
  const nth = state.actions.findIndex((action) => action.id === id && action.executedAt === undefined);
  const action = state.actions[nth];
  if (action) state.actions[nth] = { ...action, outcome, ...(note !== undefined && { note }), executedAt: state.clock.now() };
}

function recordDiscard(state: InMemoryState, { route, lane }: StoredLaneRow, { messageId, stream, reason }: DiscardedMessage): void {
  if (state.actions.some((action) => action.kind === 'discard' && action.route === route && action.messageId === messageId)) return;
  const now = state.clock.now();
  const ended = { requestedAt: now, executedAt: now, outcome: 'done' } as const;
  state.actions.push({ id: state.nextId(), route, lane, kind: 'discard', messageId, stream, reason, ...ended });
}

function recordAttempt(state: InMemoryState, { route, lane, owner = '' }: StoredLaneRow, attempt: DeliveryAttempt): void {
  const { messageIds, detail } = attempt;
  const kept = { detail: detail?.slice(0, MOST_DETAIL), batchSize: messageIds.length, recordedAt: state.clock.now() };
  state.addToHistory({ ...attempt, ...kept, route, lane, instance: owner });
}
