import { selects } from '@waybill/core';
import type { Checkpoint, DeliveryStatus, MessageProgress, StoredRoute } from '@waybill/core';
import type { InMemoryDatabase } from '@waybill/core/in-memory';
import type { PlacedRow } from './placed-row.js';

export interface Places {
  readonly rows: readonly PlacedRow[];
  hasPassed(checkpoint: Checkpoint, row: PlacedRow): boolean;
  checkpointOf(route: string, lane: number): Checkpoint;
}

/** The answers that depend on a lane's place, by windows instead of by the in-memory log. */
export function storedStatus(real: InMemoryDatabase, { rows, hasPassed, checkpointOf }: Places): Partial<DeliveryStatus> {
  const laneOf = ({ order }: StoredRoute, { lane }: PlacedRow): number => (order === 'global' ? 0 : lane);
  return {
    progress: async (name, asked) => {
      const route = await real.routes.find(name);
      if (!route) return [];
      const stopped = await real.status.stopped({ route: name, most: Infinity });
      const skipped = new Set((await real.status.progress(name, asked)).filter((place) => place.skipped).map(placeName));
      return asked.flatMap(({ stream, revision }): MessageProgress[] => {
        const row = rows.find(
          (candidate) => candidate.stream === stream && candidate.revision === revision && candidate.commit !== undefined,
        );
        if (!row) return [];
        const { type, kind, lane } = row;
        const passed = hasPassed(checkpointOf(name, laneOf(route, row)), row);
        const stop = stopped.find((entry) => entry.stream === stream && entry.fromRevision <= revision);
        const place = { stream, revision, type, kind, lane, skipped: skipped.has(placeName(row)) };
        return [{ ...place, passed: passed && !stop, ...(passed && stop && { stopped: stop.state }) }];
      });
    },
    lanes: async () => {
      const stored = await real.status.lanes();
      return Promise.all(
        stored.map(async (lane) => {
          const route = (await real.routes.find(lane.route))!;
          const checkpoint = checkpointOf(lane.route, lane.lane);
          const pending = rows.filter(
            (row) =>
              row.commit !== undefined && laneOf(route, row) === lane.lane && selects(route.selection, row) && !hasPassed(checkpoint, row),
          );
          return { ...lane, pending: pending.length, oldestAt: pending[0]?.recordedAt };
        }),
      );
    },
  };
}

const placeName = ({ stream, revision }: { readonly stream: string; readonly revision: bigint }): string => `${stream}@${revision}`;
