import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  filter,
  finalize,
  from,
  ignoreElements,
  merge,
  mergeMap,
  of,
  repeat,
  Subject,
  take,
  takeUntil,
  tap,
} from 'rxjs';
import type { Observable } from 'rxjs';
import type { WakeHint } from '../../outbox/wake-ups.js';
import { answeredWithin } from '../../answered-within.js';
import { answering } from './answering.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import { fairShare } from './fair-share.js';
import { instant, LeaseHold } from '../../lease-hold.js';
import { lane } from './lane.js';
import type { LaneOptions } from './lane-options.js';
import { aborted, pause } from '../signals.js';

export interface RouteLanesOptions extends Omit<LaneOptions, 'hold' | 'progress' | 'takenOver'> {
  /** Name of the instance, as leases show it. */
  readonly owner: string;
  /** Of this run of the instance. */
  readonly instanceId: string;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly pollMs: number;
  readonly hints: Observable<WakeHint>;
  readonly stopping: AbortSignal;
}

interface Grant {
  readonly hold: LeaseHold;
  readonly progress: LaneOptions['progress'];
  readonly takenOver: boolean;
}

/** For a lane whose lease is lost, or whose batch was cut short, to come back from a call of the sink or the database. */
const GIVEN_UP_AFTER_MS = 5_000;

/**
 * The lanes of one route that this instance holds, side by side.
 *
 * Emits what happened. Renews what it holds with every heartbeat. With every look it takes lanes that nobody holds, up to its fair share,
 * and hands over what it holds beyond it, at a batch boundary. Never errors. Completes when the dispatcher stops, after every lane has
 * finished its batch and given its lease back.
 */
export function routeLanes(options: RouteLanesOptions): Observable<DispatcherEvent> {
  return defer(() => {
    const { route, stores, health, clock, cut, owner, instanceId, leaseMs, heartbeatMs, pollMs, stopping, hints } = options;
    const holds = new Set<LeaseHold>();
    const orders = new Subject<WakeHint>(); // of this subscription alone: the heartbeat's own hints
    const released = new Subject<void>();
    const ended = new Subject<void>();
    const lookMs = Math.min(heartbeatMs, pollMs);
    let laneCount = 0;
    let hasLeft = false;
    let renewedAt = clock.monotonic();
    const at = (hold: LeaseHold): { route: string; lane: number; epoch: bigint } => ({
      route: route.name,
      lane: hold.lease.lane,
      epoch: hold.lease.epoch,
    });

    const renew = async (): Promise<void> => {
      const asked = instant(clock);
      renewedAt = asked.monotonic;
      if (holds.size === 0) return;
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
    const share = async (): Promise<number> => {
      const alive = await stores.instances.beat({ route: route.name, id: instanceId, name: owner, aliveMs: leaseMs });
      laneCount ||= await stores.leases.laneCount(route.name); // fixed when the route was made
      return fairShare({ lanes: laneCount, route: route.name, alive: alive.map(({ id }) => id), mine: instanceId });
    };
    const acquire = async (most: number): Promise<readonly Grant[]> => {
      if (most <= 0) return [];
      const asked = instant(clock);
      const grants = await stores.leases.acquire({ route: route.name, owner, leaseMs, most });
      return grants.map(({ lease, ...grant }) => ({ ...grant, hold: new LeaseHold(lease, clock, leaseMs, asked) }));
    };
    const announceOrders = async (): Promise<void> => {
      const due = await stores.actions.due([...holds].map(({ lease }) => lease));
      if (due.length > 0) orders.next({ kind: 'action', lanes: due.map((action) => action.lane) });
    };
    const leave = async (): Promise<void> => {
      if (hasLeft) return;
      await stores.instances.leave(route.name, instanceId);
      hasLeft = true;
    };
    const look = async (): Promise<readonly Grant[]> => {
      if (stopping.aborted) {
        await leave(); // the others may take each lane as soon as it is released
        return [];
      }
      const mine = await share();
      if (holds.size > 0) await announceOrders();
      for (const hold of [...holds].slice(mine)) hold.handOver();
      return acquire(mine - holds.size);
    };

    const run = ({ hold, progress, takenOver }: Grant): Observable<DispatcherEvent> => {
      let isGivenUp = false;
      const release = async (): Promise<readonly DispatcherEvent[]> => {
        const held = hold.held();
        holds.delete(hold);
        if (isGivenUp)
          hold.lose(); // what it waited for may be answered yet, and somebody else's must not be delivered then
        else hold.drop();
        health.forget(hold.lease.lane);
        released.next();
        if (isGivenUp && !held) return [{ name: 'lease-lost', event: at(hold) }];
        if (!held) return [];
        if (hold.isUnsettled)
          return [{ name: 'trouble', event: { route: route.name, lane: hold.lease.lane, doing: 'giving a lane back', error: keptBack() } }];
        await answeredWithin(leaseMs, clock, stores.leases.release([hold.lease]));
        return [{ name: 'lane-released', event: at(hold) }];
      };
      holds.add(hold);
      const told = (doing: string) =>
        catchError<DispatcherEvent, Observable<DispatcherEvent>>((error: unknown) => trouble(route.name, hold.lease.lane, doing, error));
      const ending = merge(aborted(stopping), aborted(hold.handingOver));
      // One call that the database never answers must not keep the lane from ever being run here again, or the dispatcher from stopping.
      const cutOff = merge(aborted(hold.signal), aborted(cut)).pipe(
        take(1),
        concatMap(() => pause(clock, GIVEN_UP_AFTER_MS)),
        tap(() => (isGivenUp = true)),
      );
      return concat(
        of<DispatcherEvent>({ name: 'lane-acquired', event: { ...at(hold), takenOver } }),
        lane(
          { ...options, stores: answering(stores, hold, clock), hold, progress, takenOver },
          { hints: merge(hints, orders), stopping: ending },
        ).pipe(told('storing how far a lane came'), takeUntil(cutOff)),
        defer(release).pipe(
          concatMap((events) => from(events)),
          told('giving a lane back'),
        ),
      );
    };

    // Looks on while lanes finish their last batch, however long that takes: it is settled under the lease that it was read under.
    const over = (): boolean => stopping.aborted && holds.size === 0;
    const nextLook = (): Observable<void> => {
      if (over()) return EMPTY;
      const wakes = stopping.aborted ? pause(clock, lookMs) : merge(pause(clock, lookMs), aborted(stopping));
      return wakes.pipe(take(1), takeUntil(released.pipe(filter(over))));
    };
    // What is answered later than that is over: leases, and who is alive.
    const looks = defer(() => answeredWithin(leaseMs, clock, look())).pipe(
      mergeMap((grants) => from(grants)),
      catchError((error: unknown) => trouble(route.name, undefined, 'looking for lanes', error)),
      repeat({ delay: nextLook }),
      mergeMap((found) => ('hold' in found ? run(found) : of(found))),
    );
    // By a clock of their own, which nothing stands in front of: on a database that answers slowly, lanes would be lost to looks.
    // From one question to the next, not from the answer: what the database takes to answer is not added to it.
    const heartbeat = (): Observable<void> => pause(clock, Math.max(0, renewedAt + heartbeatMs - clock.monotonic()));
    const heartbeats: Observable<DispatcherEvent> = defer(heartbeat).pipe(
      concatMap(() => answeredWithin(leaseMs, clock, renew())),
      ignoreElements(),
      catchError((error: unknown) => trouble(route.name, undefined, 'renewing leases', error)),
      repeat(),
      takeUntil(ended),
    );
    const leaving: Observable<DispatcherEvent> = defer(() => answeredWithin(leaseMs, clock, leave())).pipe(
      ignoreElements(),
      catchError((error: unknown) => trouble(route.name, undefined, 'signing off', error)),
    );
    return merge(heartbeats, concat(looks, leaving).pipe(finalize(() => ended.next())));
  });
}

const keptBack = (): Error =>
  new Error('what came of its last delivery could not be stored, so its lease runs out instead, and the next holder takes it for in doubt');

const trouble = (route: string, lane: number | undefined, doing: string, error: unknown): Observable<DispatcherEvent> =>
  of({ name: 'trouble', event: { route, lane, doing, error } });
