import { isDeepStrictEqual } from 'node:util';
import { compareStream } from './compare-stream.js';
import type { StreamFault } from './compare-stream.js';
import { RecomputedBoard } from './delay-board.js';
import type { CommittedStream, DatabaseEvidence, EventOnRecord, EventStoreEvidence } from './evidence.js';
import { isFlightEvent } from './flight-events.js';
import type { FlightDelayed } from './flight-events.js';
import { Lags } from './lags.js';
import { isLongDelay, noticeOf } from './long-delay-notices.js';
import type { Notice } from './long-delay-notices.js';

export type Fault = StreamFault | 'board' | 'notice';

export interface Verdict {
  readonly streams: number;
  readonly events: number;
  readonly notices: number;
  /** How often each thing went wrong. All zero, or the demo fails. */
  readonly faults: Readonly<Record<Fault, number>>;
  /** The first few, in words. */
  readonly examples: readonly string[];
  /** From being written into the outbox to being in EventStoreDB, by the two servers' clocks. */
  readonly lags: { readonly beforeKill: Lags; readonly later: Lags };
  readonly ok: boolean;
}

export interface VerifyOptions {
  /** Lags of what arrived later are counted apart: much of it had to wait for the take-over. */
  readonly killedAt?: Date;
  readonly signal?: AbortSignal;
}

const READS_SIDE_BY_SIDE = 32;
const EXAMPLES = 10;

/**
 * Holds EventStoreDB against the outbox, stream by stream, then board and notices against EventStoreDB.
 *
 * Keeps one batch of streams and the counts in memory, whatever the number of flights.
 */
export async function verify(database: DatabaseEvidence, eventStore: EventStoreEvidence, options: VerifyOptions = {}): Promise<Verdict> {
  const { killedAt = new Date(), signal } = options;
  const faults: Record<Fault, number> = { lost: 0, doubled: 0, reordered: 0, changed: 0, foreign: 0, board: 0, notice: 0 };
  const examples: string[] = [];
  const found = (fault: Fault, what: string, times = 1): void => {
    faults[fault] += times;
    if (examples.length < EXAMPLES) examples.push(`${fault}: ${what}`);
  };
  const board = new RecomputedBoard();
  const lags = { beforeKill: new Lags(), later: new Lags() };
  let [streams, events, seen, notices] = [0, 0, 0, 0];

  for await (const batch of database.committedStreams()) {
    signal?.throwIfAborted();
    const stored = await readAll(batch, eventStore);
    for (const [index, { stream, events: committed }] of batch.entries()) {
      for (const { fault, what } of compareStream(stream, committed, stored[index]!)) found(fault, what);
      for (const [arrivedAt, ms] of lagsOf(committed, stored[index]!)) (arrivedAt < killedAt ? lags.beforeKill : lags.later).add(ms);
      for (const event of stored[index]!) if (isFlightEvent(event)) board.add(event);
      streams += 1;
      events += committed.length;
      seen += stored[index]!.length;
    }
    const due = batch.flatMap(({ stream }, index) => noticesDue(stream, stored[index]!));
    notices += due.length;
    for (const what of differences(due, await database.noticesFor(due.map(({ messageId }) => messageId)))) found('notice', what);
  }

  const strangers = (await eventStore.count()) - seen;
  if (strangers !== 0) found('foreign', `${strangers} events of this run are in streams that were never committed`, Math.abs(strangers));
  const extra = (await database.noticeCount()) - notices;
  if (extra > 0 && faults.notice === 0) found('notice', `${extra} notices are for no long delay`, extra);
  for (const what of boardDifferences(board, await database.board())) found('board', what);

  return { streams, events, notices, faults, examples, lags, ok: Object.values(faults).every((count) => count === 0) };
}

async function readAll(batch: readonly CommittedStream[], eventStore: EventStoreEvidence): Promise<readonly (readonly EventOnRecord[])[]> {
  const stored: (readonly EventOnRecord[])[] = [];
  const rest = batch.entries();
  const reader = async (): Promise<void> => {
    for (const [index, { stream }] of rest) stored[index] = await eventStore.read(stream);
  };
  await Promise.all(Array.from({ length: READS_SIDE_BY_SIDE }, reader));
  return stored;
}

function lagsOf(committed: readonly EventOnRecord[], stored: readonly EventOnRecord[]): [arrivedAt: Date, ms: number][] {
  return committed.flatMap(({ id, at }, index) => {
    const arrived = stored[index];
    return arrived?.id === id ? [[arrived.at, arrived.at.getTime() - at.getTime()]] : [];
  });
}

function noticesDue(stream: string, stored: readonly EventOnRecord[]): Notice[] {
  const delays = stored.filter(({ type }) => type === 'FlightDelayed') as readonly (EventOnRecord & {
    readonly data: FlightDelayed['data'];
  })[];
  return delays.filter(({ data }) => isLongDelay(data)).map(({ id, data }) => noticeOf(id, stream, data));
}

function differences(due: readonly Notice[], written: readonly Notice[]): string[] {
  return due.flatMap((notice) => {
    const same = written.filter(({ messageId }) => messageId === notice.messageId);
    if (same.length !== 1) return [`${notice.stream} should have 1 notice and has ${same.length}`];
    return isDeepStrictEqual(same[0], notice) ? [] : [`${notice.stream} has another notice: ${same[0]!.text}`];
  });
}

function boardDifferences(board: RecomputedBoard, written: readonly { readonly airport: string }[]): string[] {
  const onBoard = new Map(written.map((line) => [line.airport, line]));
  const airports = new Set([...onBoard.keys(), ...board.lines().keys()]);
  return [...airports]
    .filter((airport) => !isDeepStrictEqual(onBoard.get(airport), board.lines().get(airport)))
    .map(
      (airport) =>
        `${airport} is ${JSON.stringify(onBoard.get(airport))}, but its events say ${JSON.stringify(board.lines().get(airport))}`,
    );
}
