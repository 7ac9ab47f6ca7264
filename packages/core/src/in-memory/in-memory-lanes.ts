import { LeaseLostError } from '../errors.js';
import type { LaneLease } from '../outbox/lane-lease.js';
import type { LanePage, LaneStore, ReadOptions, ReadTailOptions, Settlement } from '../outbox/lane-store.js';
import type { OutboxRow } from '../outbox/outbox-row.js';
import { selects } from '../outbox/selects.js';
import type { StoppedStream } from '../outbox/stopped-stream.js';
import { checkpointAt, laneKey, logOf, passedOf, placeOf } from './in-memory-place.js';
import { recordSettlement } from './in-memory-settlement.js';
import type { CommittedRow, InMemoryState } from './in-memory-state.js';

/** Lanes read from the log of committed rows: commit order is both per-stream and causal order. */
export class InMemoryLanes implements LaneStore {
  constructor(private readonly state: InMemoryState) {}

  read({ lane, order, selection, after, limit }: ReadOptions): Promise<LanePage> {
    const log = logOf(this.state, order, lane);
    const rows: CommittedRow[] = [];
    let passed = passedOf(after);
    for (; passed < log.length && rows.length < limit; passed++) {
      const row = log[passed];
      if (row && selects(selection, row)) rows.push(row);
    }
    return Promise.resolve({
      rows: rows.map((row) => ({ ...row, checkpoint: checkpointAt(placeOf(row, order)) })),
      through: checkpointAt(passed),
      more: passed < log.length,
    });
  }

  readTail({ order, selection, stream, from, upTo, limit }: ReadTailOptions): Promise<readonly OutboxRow[]> {
    const tail = (this.state.rowsByStream.get(stream) ?? []).filter(
      (row) => row.revision >= from && placeOf(row, order) <= passedOf(upTo) && selects(selection, row),
    );
    return Promise.resolve(tail.slice(0, limit).map((row) => ({ ...row, checkpoint: upTo })));
  }

  stopped({ route, lane }: LaneLease): Promise<readonly StoppedStream[]> {
    return Promise.resolve([...(this.state.lanes.get(laneKey(route, lane))?.stopped.values() ?? [])]);
  }

  async settle({ route, lane, epoch }: LaneLease, settlement: Settlement): Promise<void> {
    const row = this.state.lanes.get(laneKey(route, lane));
    if (row?.epoch !== epoch) throw new LeaseLostError(route, lane, epoch);
    recordSettlement(this.state, row, settlement);
  }
}
