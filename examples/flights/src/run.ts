import type { Dispatcher, LaneStatus } from '@waybill/core';
import { setTimeout as delay } from 'node:timers/promises';
import { DispatcherChild } from './dispatcher-child.js';
import type { DispatcherOrder } from './dispatcher-reports.js';
import type { FlightRoute } from './flights-application.js';
import { Progress } from './progress.js';
import type { Screen } from './screen.js';
import { takeOver } from './take-over.js';
import type { TakeOver } from './take-over.js';
import { COMMANDS_A_FLIGHT } from './write-flights.js';

export interface RunOptions {
  readonly size: number;
  readonly order: Omit<DispatcherOrder, 'instance'>;
  /** A dispatcher that is not started: it is only asked how far the lanes are. */
  readonly watch: Dispatcher<FlightRoute>;
  /** Commits every command. */
  readonly write: (progress: Progress, signal: AbortSignal) => Promise<void>;
  /** Is given every dispatcher process, to end it should the run be cut short. */
  readonly onStarted: (child: DispatcherChild) => void;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** What the run was like. */
export interface RunFigures {
  readonly progress: Progress;
  readonly writingMs: number;
  readonly deliveringMs: number;
  readonly takeOver: TakeOver;
}

const LOOK_EVERY_MS = 250;
const LONGEST_PAUSE_MS = 1_000;
const STANDSTILL_MS = 90_000; // longer than a MongoDB keeps the open transaction of a process that was killed

/** Writes while two dispatchers deliver, kills one half-way, and waits until the other one has delivered everything. */
export async function run(options: RunOptions): Promise<RunFigures> {
  const { screen, size, watch, write } = options;
  const progress = new Progress(size * COMMANDS_A_FLIGHT);
  const failure = new AbortController();
  options.signal.addEventListener('abort', () => failure.abort(options.signal.reason));
  const failed = new Promise<never>((_, reject) => failure.signal.addEventListener('abort', () => reject(failure.signal.reason as Error)));

  const play = async (): Promise<RunFigures> => {
    const first = await startDispatcher('dispatcher 1', options, failure);
    const second = await startDispatcher('dispatcher 2', options, failure);
    await untilShared(watch, [first, second]);
    const shares = [first, second].map(({ pid, lanes }, index) => `dispatcher ${index + 1} (process ${pid}) runs ${lanes.size} lanes`);
    screen.print(`  ${shares.join(', ')}`, '');

    const startedAt = performance.now();
    const elapsed = (): number => performance.now() - startedAt;
    const writing = write(progress, failure.signal).then(elapsed);
    const takingOver = progress.halfway.then(() => takeOver({ victim: first, heir: second, screen }));
    const delivering = untilDelivered(Promise.all([writing, takingOver]), progress, options, failure.signal).then(elapsed);
    const [writingMs, taken, deliveringMs] = await Promise.all([writing, takingOver, delivering]);
    screen.settle(progress.line());
    await second.stop();
    return { progress, writingMs, deliveringMs, takeOver: taken };
  };
  try {
    return await Promise.race([play(), failed]);
  } finally {
    failure.abort(); // whatever goes on of a run that failed
  }
}

async function startDispatcher(
  instance: string,
  { order, screen, onStarted }: RunOptions,
  failure: AbortController,
): Promise<DispatcherChild> {
  const child = new DispatcherChild({ ...order, instance });
  onStarted(child);
  child.events.on('died', (what) => failure.abort(new Error(what)));
  await new Promise<void>((resolve) => {
    child.events.on('report', (report) => {
      if (report.kind === 'started') resolve();
      else if (report.kind === 'trouble') screen.print(`  ! ${instance}: ${report.what}`);
      else if (report.kind === 'halted') failure.abort(new Error(`${instance}: ${report.what}`));
    });
  });
  return child;
}

/** Until all lanes are held, and none of the two holds more than its share. */
async function untilShared(watch: Dispatcher<FlightRoute>, [one, other]: readonly [DispatcherChild, DispatcherChild]): Promise<void> {
  const { length: lanes } = await watch.lanes();
  const { size: routes } = new Set((await watch.lanes()).map(({ route }) => route));
  const isShared = (): boolean => one.lanes.size + other.lanes.size === lanes && Math.abs(one.lanes.size - other.lanes.size) <= routes;
  while (!isShared()) await delay(20);
}

/** Looks at the lanes until everything is committed, and nothing is left to deliver. */
async function untilDelivered(
  allCommitted: Promise<unknown>,
  progress: Progress,
  { watch, screen }: RunOptions,
  signal: AbortSignal,
): Promise<void> {
  let committed = false;
  allCommitted.then(() => (committed = true)).catch(() => {});
  let [before, changedAt] = ['', performance.now()];
  while (!signal.aborted) {
    const all = committed; // before the look, which does not show what is committed later
    const askedAt = performance.now();
    const lanes = await watch.lanes();
    progress.look(pendingIn(lanes.filter(({ route }) => route === 'eventstoredb')));
    if (all && pendingIn(lanes) === 0) return;
    screen.change(progress.line());

    const now = `${progress.events} ${pendingIn(lanes)}`;
    if (now !== before) [before, changedAt] = [now, performance.now()];
    if (performance.now() - changedAt > STANDSTILL_MS) throw standstill(lanes);
    // A look counts what waits, which takes its time when much waits.
    await delay(Math.min(LONGEST_PAUSE_MS, Math.max(LOOK_EVERY_MS, 3 * (performance.now() - askedAt))));
  }
}

const pendingIn = (lanes: readonly LaneStatus[]): number => lanes.reduce((sum, { pending }) => sum + pending, 0);

function standstill(lanes: readonly LaneStatus[]): Error {
  const stuck = lanes.filter(({ pending, state }) => pending > 0 || state !== 'running');
  return new Error(`Nothing has moved for ${STANDSTILL_MS / 1_000} s:\n${stuck.map(told).join('\n')}`);
}

function told({ route, lane, state, owner, pending, failure }: LaneStatus): string {
  return `  ${route}/${lane} is ${state}, held by ${owner ?? 'nobody'}, ${pending} waiting${failure ? `: ${failure.error}` : ''}`;
}
