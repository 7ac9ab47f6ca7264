import type { WaybillError } from '../errors.js';
import type { LaneFailure } from '../outbox/lane-progress.js';
import { alarmKey } from './alarm.js';
import type { Finding } from './alarm.js';

// What people read, in one place: each says what happened, what it means for everything else, and which call comes next.

interface Place {
  readonly route: string;
  readonly lane: number;
  readonly since: Date;
}

/** What stands in the way; `type` is known where the message is at hand. */
export type Obstacle = Pick<LaneFailure, 'messageId' | 'stream' | 'revision' | 'attempts' | 'code' | 'error'> & { readonly type?: string };

export function laneHalted({ route, lane, since }: Place, failure: Obstacle): Finding {
  return {
    kind: 'lane-halted',
    key: alarmKey('lane-halted', route, lane),
    ...about(route, lane, failure, since),
    title: `Lane ${route}/${lane} halted at ${placeOf(failure)}`,
    text: lines(
      whatFailed(failure),
      'Nothing behind it in this lane is delivered until a person acts, also over restarts. Other lanes go on.',
      ...whatToDo(failure, `dispatcher.resume(${quoted(route)}, ${lane})`, skipCall(route, failure)),
    ),
  };
}

export function streamStopped({ route, lane, since }: Place, failure: Obstacle, state: 'halted' | 'parked'): Finding {
  return {
    kind: state === 'parked' ? 'stream-parked' : 'stream-halted',
    key: alarmKey('stream-stopped', route, failure.stream), // one key for both: it is one trouble, whatever it is called
    ...about(route, lane, failure, since),
    stream: failure.stream,
    title: `Stream ${failure.stream} is ${state} on route ${route}, at revision ${failure.revision}`,
    text: lines(
      whatFailed(failure),
      `This message and every later one of the stream ${state === 'parked' ? 'are set aside' : 'wait'}. Other streams go on.`,
      ...whatToDo(failure, `dispatcher.redrive(${quoted(route)}, { stream: ${quoted(failure.stream)} })`, skipCall(route, failure)),
    ),
  };
}

export function leaseLost({ route, lane, since }: Place): Finding {
  return {
    kind: 'lease-lost',
    key: alarmKey('lease-lost', route), // not by lane: a process that was frozen loses all of them at once
    route,
    lane,
    since,
    title: `A dispatcher lost its lease of ${route}/${lane}, and perhaps of more lanes`,
    text: lines(
      'It did not renew in time: the process was suspended or its event loop blocked, or the database was away, for longer than the lease.',
      'It has stopped the lane and changes nothing there any more. Whoever holds the lane now may deliver again what was delivered and not recorded.',
      'Once is harmless. If it happens again: look for blocking code and long pauses, or raise leaseMs.',
    ),
  };
}

export function databaseReplaced({ code, message }: WaybillError, since: Date): Finding {
  return {
    kind: 'database-replaced',
    key: alarmKey('database-replaced'),
    error: { code, message },
    since,
    title: 'A dispatcher stopped: outbox and witness do not agree any more',
    text: lines(
      message,
      'This dispatcher has stopped, and does not start again. Somebody has restored or cloned a database: find out which copy is to go on, and stop what uses the other.',
      'On the one that goes on, if it is refused: database.adopt(), once.',
    ),
  };
}

export function noDispatcher(route: string, { pending, oldestAt, since }: Waiting): Finding {
  return {
    kind: 'no-dispatcher',
    key: alarmKey('no-dispatcher', route),
    route,
    since,
    title: `Nobody delivers route ${route} (waiting: ${pending})`,
    text: lines(
      `Waiting for route ${quoted(route)}: ${pending}${oldestAt ? `, the oldest since ${oldestAt.toISOString()}` : ''}. No live dispatcher runs it.`,
      'Nothing is lost: they stay in the outbox.',
      'Start a process whose dispatcher has this route. If it runs: does it reach the database, and is the route in its options?',
      `If the route is not needed any more, call dispatcher.retireRoute(${quoted(route)}).`,
    ),
  };
}

export function routeAbandoned(route: string, { pending, since }: Waiting): Finding {
  return {
    kind: 'route-abandoned',
    key: alarmKey('route-abandoned', route),
    route,
    since,
    title: `Route ${route} is run by nobody, and keeps the outbox from shrinking`,
    text: lines(
      `No dispatcher has run route ${quoted(route)} since ${since.toISOString()} or longer. Waiting for it: ${pending}.`,
      'Messages that it has not passed cannot be removed: the outbox grows.',
      `If the route was removed for good, call dispatcher.retireRoute(${quoted(route)}). If it was renamed, name it in "formerly" of the new one.`,
      'If it is still needed, start a dispatcher that runs it.',
    ),
  };
}

export function stuck({ route, lane, since }: Place, { pending, owner }: { readonly pending: string; readonly owner: string }): Finding {
  return {
    kind: 'stuck',
    key: alarmKey('stuck', route, lane),
    route,
    lane,
    since,
    title: `Lane ${route}/${lane} is held, and does not move`,
    text: lines(
      `Dispatcher ${owner} holds the lane and calls it running, but none of what waits (${pending}) was recorded as delivered since ${since.toISOString()}.`,
      'Most often a sink or a handler never answers: look for a call without a time limit, or a connection pool that is used up.',
      'Restarting that process is safe: its lanes go to others, and what was delivered and not recorded is delivered again.',
    ),
  };
}

export function sinkUnavailable(
  route: string,
  { error, code, since }: { readonly error: string; readonly code: string; readonly since: Date },
): Finding {
  return {
    kind: 'sink-unavailable',
    key: alarmKey('sink-unavailable', route),
    route,
    error: { code, message: short(error) },
    since,
    title:
      code === UNKNOWN
        ? `The sink of route ${route} does not tell what became of a message`
        : `The sink of route ${route} is not available`,
    text: lines(
      `Lanes of route ${quoted(route)} have waited for it since ${since.toISOString()}: ${short(error)}`,
      'No message is blamed, no try is used up, and nothing is parked. Delivery goes on by itself when the sink is back.',
      'Look at the target, and at the network between.',
    ),
  };
}

/** What waits for a route, counted for people: "7 messages", "at least 10,001 messages". */
export interface Waiting {
  readonly pending: string;
  readonly oldestAt?: Date | undefined;
  readonly since: Date;
}

function about(route: string, lane: number, { messageId: id, stream, revision, code, error }: Obstacle, since: Date) {
  return { route, lane, message: { id, stream, revision: String(revision) }, error: { code, message: short(error) }, since };
}

/** A message that may have been done is not sent again without a person having looked. */
function whatToDo({ code }: Obstacle, goOn: string, skip: string): readonly string[] {
  return code === UNKNOWN
    ? [`Find out from the target whether it was done. If it was: ${skip}.`, `If it was not, call ${goOn}, which sends it again.`]
    : [`Mend the cause, then call ${goOn}.`, `If the message can never be accepted: ${skip}.`];
}

function whatFailed(failure: Obstacle): string {
  const type = failure.type === undefined ? '' : `${failure.type}, `;
  const tries = failure.attempts === 1 ? '1 try' : `${failure.attempts} tries`;
  // What a sink refused names its message already: not twice in one line.
  const prefix = `Message ${failure.messageId} (${placeOf(failure)}) was refused: `;
  const why = failure.error.startsWith(prefix) ? failure.error.slice(prefix.length) : failure.error;
  return `Message ${failure.messageId} (${type}${placeOf(failure)}) was not accepted in ${tries}: ${short(why)}`;
}

const skipCall = (route: string, { messageId }: Obstacle): string => `dispatcher.skip(${quoted(route)}, ${quoted(messageId)}, 'why')`;
const placeOf = ({ stream, revision }: Obstacle): string => `${stream}@${revision}`;
const lines = (...sentences: readonly string[]): string => sentences.join('\n');
const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;

const UNKNOWN = 'OUTCOME_UNKNOWN';
const LONGEST_ERROR = 500;
const short = (error: string): string => (error.length > LONGEST_ERROR ? `${error.slice(0, LONGEST_ERROR)} ...` : error);
