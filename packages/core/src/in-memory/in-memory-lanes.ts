import { LeaseLostError } from '../errors.js';
import { appendsWithout } from '../outbox/appends-without.js';
import type { MessagePlace } from '../outbox/delivery-status.js';
import type { LaneLease } from '../outbox/lane-lease.js';
import type { LanePage, LaneStore, ReadOptions, ReadTailOptions, Settlement } from '../outbox/lane-store.js';
import type { OutboxRow } from '../outbox/outbox-row.js';
import { selects } from '../outbox/selects.js';
import type { StoppedStream } from '../outbox/stopped-stream.js';
import { checkpointAt, laneKey, logOf, passedOf, placeOf } from './in-memory-place.js';
import type { InMemoryOutbox } from './in-memory-outbox.js';
import { recordSettlement } from './in-memory-settlement.js';
import type { CommittedRow, InMemoryState, StoredLaneRow } from './in-memory-state.js';
import type { InMemoryTransactions } from './in-memory-transactions.js';

/** Lanes read from the log of committed rows: commit order is both per-stream and causal order. */
export class InMemoryLanes implements LaneStore {
  constructor(
    private readonly state: InMemoryState,
    private readonly outbox: InMemoryOutbox,
    private readonly transactions: InMemoryTransactions,
  ) {}

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

  delivered(route: string, streams: readonly string[]): Promise<readonly MessagePlace[]> {
    const ofRoute = this.state.delivered.get(route);
    return Promise.resolve(
      streams.flatMap((stream) => {
        const revision = ofRoute?.get(stream);
        return revision === undefined ? [] : { stream, revision };
      }),
    );
  }

  async settle(lease: LaneLease, settlement: Settlement): Promise<void> {
    const { replies = [] } = settlement;
    if (replies.length === 0) return recordSettlement(this.state, heldRow(this.state, lease), settlement);
    await this.transactions.run(async (tx) => {
      heldRow(this.state, lease);
      await this.transactions.lock(`lane ${laneKey(lease.route, lease.lane)}`, tx); // the same settlement may be on its way already
      const known = new Set(this.state.rows.flatMap((row) => row?.id ?? []));
      // The first to be done at commit: the lease may be lost while a stream is waited for, and then nothing else is done.
      tx.onCommit(() => recordSettlement(this.state, heldRow(this.state, lease), settlement));
      await this.outbox.append(appendsWithout(known, replies), tx);
    });
  }
}

/** @throws {@link LeaseLostError} */
function heldRow(state: InMemoryState, { route, lane, epoch }: LaneLease): StoredLaneRow {
  const row = state.lanes.get(laneKey(route, lane));
  if (row?.epoch !== epoch) throw new LeaseLostError(route, lane, epoch);
  return row;
}
