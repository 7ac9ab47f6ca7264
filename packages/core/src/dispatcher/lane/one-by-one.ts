import type { DeliveryAttempt } from '../../outbox/delivery-attempt.js';
import type { Checkpoint, OutboxRow } from '../../outbox/outbox-row.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import { besides } from '../failure/doubt.js';
import type { FailureJudge } from '../failure/failure-judge.js';
import { crashLine, crashOf, suspect } from '../failure/suspicion.js';
import type { Suspicions } from '../failure/suspicion.js';
import type { DeliveryOfRows, LaneDelivery } from './lane-delivery.js';
import type { PageSettling, PageSettlingOptions, PageStep } from './page-settling.js';

export interface OneByOneOptions extends PageSettlingOptions {
  readonly delivery: LaneDelivery;
  readonly judge: FailureJudge;
  readonly settling: PageSettling;
  readonly suspicions: Suspicions;
}

/**
 * A page of which each message is written down before it is tried: the last holder was gone in the middle of these, or the sink wants it so.
 * Whoever comes after a kill then knows the one message that may have reached its target.
 */
export class OneByOne {
  constructor(private readonly options: OneByOneOptions) {}

  /** Each is written down together with the place behind the one before. */
  async deliver(rows: readonly OutboxRow[], through: Checkpoint, more: boolean): Promise<PageStep> {
    const { route, record, delivery, judge, hold, clock, reached, patience, suspects, settling, suspicions } = this.options;
    const events: DispatcherEvent[] = [];
    let { checkpoint } = record;
    let history: readonly DeliveryAttempt[] = [];
    let settles: DeliveryOfRows['settles'] = {};
    for (const [nth, row] of rows.entries()) {
      const isInDoubt = suspicions.isInDoubt(row, record.failure);
      const known = suspicions.known(row, record.failure);
      const attempts = known?.attempts ?? 0;
      const crash = crashOf(known, row, route);
      if (crash) history = [...history, crashLine(row, clock.now(), crash)];
      const seen = rows.slice(0, nth + 1);
      const done = { checkpoint, gotOn: row !== rows[0], events, seen, isInDoubt, settles };
      if (crash?.error.final) {
        const inDoubt = isInDoubt && route.writesAhead;
        return await settling.failedAt(row, crash.error, { kind: 'used-up', attempts }, { ...done, isInDoubt: inDoubt, attempts: history });
      }
      const tryIt = async (): Promise<DeliveryOfRows> => {
        suspicions.tries(row, { failure: known, isInDoubt });
        const failure = besides(suspect(row, attempts + 1, crash), settling.doubtedBeyond(seen));
        await settling.settle({ checkpoint: done.checkpoint, state: 'running', failure, attempts: history, ...done.settles });
        if (nth > 0) suspicions.stored(rows[nth - 1]!);
        suspicions.sends(row);
        // Where nothing is written ahead, the last holder may have sent any of them.
        const answer = await delivery.ofRows([row], attempts + 1, isInDoubt || !route.writesAhead);
        await reached?.('delivered');
        return answer;
      };
      // One that a process was gone with before is tried while no other such is: else a killer would be taken for many.
      const delivered = crash ? await suspects.run(tryIt, delivery.signal) : await tryIt();
      if (!delivered) return { events, next: hold.held() ? 'more' : 'over' };
      if (!hold.held()) return { events: [], next: 'over' };
      ({ attempts: history, settles } = delivered);
      events.push(...delivered.events);
      const { failure } = delivered;
      if (failure) {
        const step = await settling.failedAt(row, failure, judge.judge(row, failure, attempts, delivered), {
          ...done,
          isInDoubt: isInDoubt || delivered.inDoubt === true,
          attempts: history,
          settles,
        });
        suspicions.stored(row);
        return step;
      }
      checkpoint = row.checkpoint;
    }
    settling.trust();
    await settling.settle({ ...settling.runningAt(through, rows), attempts: history, ...settles }, events);
    suspicions.stored(rows.at(-1)!);
    patience.reset();
    await reached?.('settled');
    return { events, next: more ? 'more' : 'drained' };
  }
}
