import type {
  AttemptQuery,
  DeliveryStatus,
  MessagePlace,
  MessageProgress,
  MessageQuery,
  MessageStatus,
  RouteStoppedStream,
  StoppedQuery,
  StoredLane,
} from '../outbox/delivery-status.js';
import type { StoredAttempt } from '../outbox/delivery-attempt.js';
import { selects } from '../outbox/selects.js';
import { messageStatus } from './in-memory-message-status.js';
import { laneRowOf, logOf, passedOf, standing } from './in-memory-place.js';
import type { CommittedRow, InMemoryState, StoredLaneRow } from './in-memory-state.js';

const MOST_COUNTED = 10_001;

export class InMemoryStatus implements DeliveryStatus {
  constructor(private readonly state: InMemoryState) {}

  progress(route: string, messages: readonly MessagePlace[]): Promise<readonly MessageProgress[]> {
    const passedBy = this.state.actions.flatMap(({ kind, outcome, messageId, ...action }) =>
      action.route === route && outcome === 'done' && (kind === 'skip' || kind === 'discard') ? messageId : [],
    );
    const skipped = new Set(passedBy);
    return Promise.resolve(messages.flatMap((place) => this.#progressOf(route, place, skipped) ?? []));
  }

  lanes(): Promise<readonly StoredLane[]> {
    const now = this.state.clock.now();
    return Promise.resolve(
      [...this.state.lanes.values()].map((lane) => {
        const pending = this.#pending(lane);
        const { state, failure, suspects } = lane.progress;
        const owner = lane.leaseUntil > now ? lane.owner : undefined;
        const counts = { pending: pending.length, oldestAt: pending[0]?.recordedAt, stopped: lane.stopped.size };
        return { route: lane.route, lane: lane.lane, epoch: lane.epoch, state, failure, suspects, owner, ...counts };
      }),
    );
  }

  stopped({ route, stream, state, code, most }: StoppedQuery): Promise<readonly RouteStoppedStream[]> {
    const all = [...this.state.lanes.values()].flatMap((lane) =>
      [...lane.stopped.values()].map((entry) => ({ ...entry, route: lane.route, lane: lane.lane })),
    );
    const asked = all
      .filter((entry) => route === undefined || entry.route === route)
      .filter((entry) => stream === undefined || entry.stream === stream)
      .filter((entry) => state === undefined || entry.state === state)
      .filter((entry) => code === undefined || entry.failure.code === code);
    return Promise.resolve(asked.sort((a, b) => a.stoppedAt.getTime() - b.stoppedAt.getTime()).slice(0, most));
  }

  messages(query: MessageQuery): Promise<readonly MessageStatus[]> {
    return Promise.resolve(messageStatus(this.state, query));
  }

  attempts({ messageId, route, most = 100 }: AttemptQuery): Promise<readonly StoredAttempt[]> {
    const lines = [...this.state.history.values()].filter(
      (line) => line.messageIds.includes(messageId) && (route === undefined || line.route === route),
    );
    return Promise.resolve(
      lines
        .reverse()
        .slice(0, most)
        .map(({ messageIds: _ids, recordedAt: _at, ...attempt }) => attempt),
    );
  }

  #progressOf(route: string, { stream, revision }: MessagePlace, skipped: ReadonlySet<string | undefined>): MessageProgress | undefined {
    const row = this.state.rowsByStream.get(stream)?.find((candidate) => candidate.revision === revision);
    if (!row) return revision <= (this.state.heads.get(stream) ?? -1n) ? { stream, revision, passed: true, skipped: false } : undefined;

    const { type, kind, lane, id } = row;
    const laneRow = laneRowOf(this.state, route, row);
    const { passed, stopped } = laneRow ? standing(this.state, laneRow, row) : { passed: false, stopped: undefined };
    return {
      ...{ stream, revision, type, kind, lane, passed: passed && !stopped, skipped: skipped.has(id) },
      ...(passed && stopped && { stopped: stopped.state }),
    };
  }

  #pending({ route, lane, progress }: StoredLaneRow): readonly CommittedRow[] {
    const { order, selection } = this.state.routes.get(route)!;
    return logOf(this.state, order, lane)
      .slice(passedOf(progress.checkpoint))
      .filter((row) => row !== undefined)
      .filter((row) => selects(selection, row))
      .slice(0, MOST_COUNTED);
  }
}
