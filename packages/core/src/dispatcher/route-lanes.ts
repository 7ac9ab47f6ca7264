import { catchError, concat, concatMap, defer, EMPTY, filter, from, merge, mergeMap, of, repeat, Subject, takeUntil } from 'rxjs';
import type { Observable } from 'rxjs';
import type { WakeHint } from '../outbox/wake-ups.js';
import type { DispatcherEvent } from './dispatcher-events.js';
import { instant, LaneHold } from './lane-hold.js';
import { lane } from './lane.js';
import type { LaneOptions } from './lane-steps.js';
import { aborted, pause } from './signals.js';

export interface RouteLanesOptions extends Omit<LaneOptions, 'hold' | 'progress'> {
  readonly owner: string;
  readonly leaseMs: number;
  readonly hints: Observable<WakeHint>;
  readonly stopping: AbortSignal;
}

interface Grant {
  readonly hold: LaneHold;
  readonly progress: LaneOptions['progress'];
  readonly takenOver: boolean;
}

/**
 * All lanes of one route that this instance holds, side by side.
 *
 * Emits what happened. Every third of a lease it renews what it holds and takes what nobody holds. Never errors. Completes when the
 * dispatcher stops, after every lane has finished its batch and given its lease back.
 */
export function routeLanes(options: RouteLanesOptions): Observable<DispatcherEvent> {
  return defer(() => {
    const { route, stores, clock, owner, leaseMs, stopping, hints } = options;
    const holds = new Set<LaneHold>();
    const orders = new Subject<WakeHint>(); // of this subscription alone: the heartbeat's own hints
    const released = new Subject<void>();
    const at = (hold: LaneHold): { route: string; lane: number; epoch: bigint } => ({
      route: route.name,
      lane: hold.lease.lane,
      epoch: hold.lease.epoch,
    });

    const renew = async (): Promise<void> => {
      if (holds.size === 0) return;
      const asked = instant(clock);
      const held = [...holds];
      const renewed = await stores.leases.renew(
        held.map(({ lease }) => lease),
        leaseMs,
      );
      for (const hold of held) {
        const lease = renewed.find((candidate) => candidate.lane === hold.lease.lane && candidate.epoch === hold.lease.epoch);
        if (lease) hold.extend(lease, leaseMs, asked);
        else hold.lose();
      }
    };
    const acquire = async (): Promise<readonly Grant[]> => {
      const asked = instant(clock);
      const grants = await stores.leases.acquire({ route: route.name, owner, leaseMs, most: Number.MAX_SAFE_INTEGER });
      return grants.map(({ lease, ...grant }) => ({ ...grant, hold: new LaneHold(lease, clock, leaseMs, asked) }));
    };
    const announceOrders = async (): Promise<void> => {
      const due = await stores.actions.due([...holds].map(({ lease }) => lease));
      if (due.length > 0) orders.next({ kind: 'action', lanes: due.map((action) => action.lane) });
    };
    const beat = async (): Promise<readonly Grant[]> => {
      await renew();
      if (stopping.aborted) return [];
      if (holds.size > 0) await announceOrders();
      return acquire();
    };

    const run = ({ hold, progress, takenOver }: Grant): Observable<DispatcherEvent> => {
      const release = async (): Promise<readonly DispatcherEvent[]> => {
        const held = hold.held();
        holds.delete(hold);
        hold.drop();
        released.next();
        if (!held) return [];
        await stores.leases.release([hold.lease]);
        return [{ name: 'lane-released', event: at(hold) }];
      };
      holds.add(hold);
      const told = (doing: string) =>
        catchError<DispatcherEvent, Observable<DispatcherEvent>>((error: unknown) => trouble(route.name, hold.lease.lane, doing, error));
      return concat(
        of<DispatcherEvent>({ name: 'lane-acquired', event: { ...at(hold), takenOver } }),
        lane({ ...options, hold, progress }, { hints: merge(hints, orders), stopping: aborted(stopping) }).pipe(
          told('storing how far a lane came'),
        ),
        defer(release).pipe(
          concatMap((events) => from(events)),
          told('giving a lane back'),
        ),
      );
    };

    // Beats on while lanes finish their last batch, however long that takes: it is settled under the lease that it was read under.
    const over = (): boolean => stopping.aborted && holds.size === 0;
    const nextBeat = (): Observable<void> =>
      over() ? EMPTY : pause(clock, leaseMs / 3).pipe(takeUntil(merge(aborted(stopping), released).pipe(filter(over))));

    return defer(beat).pipe(
      mergeMap((grants) => from(grants)),
      catchError((error: unknown) => trouble(route.name, undefined, 'renewing and acquiring leases', error)),
      repeat({ delay: nextBeat }),
      mergeMap((found) => ('hold' in found ? run(found) : of(found))),
    );
  });
}

const trouble = (route: string, lane: number | undefined, doing: string, error: unknown): Observable<DispatcherEvent> =>
  of({ name: 'trouble', event: { route, lane, doing, error } });
