import type { StoredLane } from '../outbox/delivery-status.js';
import type { Finding } from './alarm.js';
import { laneHalted, noDispatcher, routeAbandoned, sinkUnavailable, streamStopped, stuck } from './findings.js';
import { backlogOf, MOST_COUNTED } from './outbox-look.js';
import type { Backlog, OutboxLook } from './outbox-look.js';

export interface Patience {
  /** How long messages may wait while no live dispatcher runs their route, in milliseconds. Default 30,000. */
  readonly graceMs: number;
  /** How long a lane that is held and running may stand still, in milliseconds. Default 60,000. */
  readonly stuckAfterMs: number;
  /** How long a sink may be away, in milliseconds. Default 120,000. */
  readonly outageAfterMs: number;
  /** How long a route may be run by nobody, in milliseconds. Default 3,600,000, an hour. */
  readonly abandonedAfterMs: number;
}

/** Something that is so at one look. Whether it is worth an alarm depends on how long it stays so. */
export interface Condition {
  /** What to say if it is so since then. */
  readonly finding: (since: Date) => Finding;
  /** How long it must last. */
  readonly afterMs: number;
  /** Whether this process is the one to say so; it is not over when another one is. */
  readonly tell: boolean;
  /** Set where it is over, and begins anew, when the lane has moved since the look before. */
  readonly lane?: StoredLane;
}

/** What a lane waits for as long as it takes. */
const SINKS_TROUBLE: readonly string[] = ['SINK_UNAVAILABLE', 'OUTCOME_UNKNOWN'];
/** A stream that stopped longer ago was told of when it did. */
const RECENTLY_MS = 300_000;
/** Of a lane with more messages than are counted nobody sees that one is gone: only the age of the oldest tells. */
const UNCOUNTED_PATIENCE = 10;

/** @param instance - name of the dispatcher that looks; `undefined` for one that stands outside, and tells of every lane */
export function conditionsOf(look: OutboxLook, patience: Patience, instance: string | undefined): readonly Condition[] {
  return look.routes
    .filter(({ retiredAt }) => !retiredAt)
    .flatMap(({ name }) => [
      ...ofRoute(name, look, patience),
      ...ofLanes(name, look, patience, instance),
      ...ofStreams(name, look, instance),
    ]);
}

function ofRoute(route: string, look: OutboxLook, { graceMs, abandonedAfterMs }: Patience): readonly Condition[] {
  const lanes = lanesOf(route, look);
  if (look.live.some((alive) => alive.route === route) || lanes.some(({ owner }) => owner !== undefined)) return [];
  const backlog = backlogOf(lanes);
  const waiting = { pending: counted(backlog), oldestAt: backlog.oldestAt };
  const abandoned = { finding: (since: Date) => routeAbandoned(route, { ...waiting, since }), afterMs: abandonedAfterMs, tell: true };
  if (backlog.pending === 0) return [abandoned];
  return [{ finding: (since) => noDispatcher(route, { ...waiting, since }), afterMs: graceMs, tell: true }, abandoned];
}

function ofLanes(
  route: string,
  look: OutboxLook,
  { stuckAfterMs, outageAfterMs }: Patience,
  instance: string | undefined,
): readonly Condition[] {
  const lanes = lanesOf(route, look);
  const halted = lanes.flatMap(({ state, lane, owner, failure }): readonly Condition[] =>
    state === 'halted' && failure
      ? [{ finding: (since) => laneHalted({ route, lane, since }, failure), afterMs: 0, tell: isToTell(owner, instance) }]
      : [],
  );

  const cutOff = lanes.filter(({ state, failure }) => state === 'waiting' && failure && SINKS_TROUBLE.includes(failure.code));
  if (cutOff.length > 0) {
    // While the sink is away nothing moves, and no lane is to blame.
    const tell = cutOff.some(({ owner }) => isToTell(owner, instance));
    return [...halted, { finding: (since) => sinkUnavailable(route, { ...cutOff[0]!.failure!, since }), afterMs: outageAfterMs, tell }];
  }

  const still = lanes.flatMap((stored): readonly Condition[] => {
    const { state, lane, owner, pending } = stored;
    if (state !== 'running' || owner === undefined || pending === 0) return [];
    const uncounted = pending >= MOST_COUNTED ? UNCOUNTED_PATIENCE : 1;
    // The holder comes first. The others wait twice as long: it may be unable to look, or have nobody to tell.
    const others = isToTell(owner, instance) ? 1 : 2;
    const what = { pending: counted(backlogOf([stored])), owner };
    const afterMs = stuckAfterMs * uncounted * others;
    return [{ finding: (since) => stuck({ route, lane, since }, what), afterMs, tell: true, lane: stored }];
  });
  return [...halted, ...still];
}

/** A process may be gone between storing that a stream stops and telling it: then the lane's next holder does. */
function ofStreams(route: string, look: OutboxLook, instance: string | undefined): readonly Condition[] {
  const ownerOf = new Map(lanesOf(route, look).map(({ lane, owner }) => [lane, owner]));
  return look.stopped
    .filter((entry) => entry.route === route)
    .map(({ lane, failure, state, stoppedAt }) => ({
      finding: () => streamStopped({ route, lane, since: stoppedAt }, failure, state === 'halted' ? 'halted' : 'parked'),
      afterMs: 0,
      tell:
        (state === 'halted' || state === 'parked') &&
        look.at.getTime() - stoppedAt.getTime() < RECENTLY_MS &&
        isToTell(ownerOf.get(lane), instance),
    }));
}

const lanesOf = (route: string, { lanes }: OutboxLook): readonly StoredLane[] => lanes.filter((lane) => lane.route === route);

const isToTell = (owner: string | undefined, instance: string | undefined): boolean =>
  instance === undefined || owner === undefined || owner === instance;

const counted = ({ pending, capped }: Backlog): string =>
  `${capped ? 'at least ' : ''}${pending.toLocaleString('en')} ${pending === 1 ? 'message' : 'messages'}`;
