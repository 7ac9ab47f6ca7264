import type { Screen } from '@waybill/example-flights/screen';
import { setTimeout as delay } from 'node:timers/promises';
import type { Keys } from './keys.js';
import { number, Progress } from './progress.js';
import type { ReceiverHost } from './receiver/receiver-host.js';
import type { Shop } from './shop/shop.js';

export interface RunOptions {
  /** How many messages there will be. */
  readonly messages: number;
  readonly shop: Shop;
  readonly receiver: ReceiverHost;
  readonly keys: Keys;
  /** Commits every command. `turn` is awaited before each. */
  readonly write: (options: { turn: () => Promise<void>; onCommit: () => void; signal: AbortSignal }) => Promise<void>;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** What the run was like. */
export interface RunFigures {
  readonly progress: Progress;
  readonly durationMs: number;
  /** From the kill to the first message that was delivered after it. */
  readonly silenceMs: number;
}

const ROTATE_AT = 0.25;
const KILL_AT = 0.5;
const DOWN_MS = 1_500;
const MOST_WAITING = 500; // or all would be committed before the first quarter is delivered
const LOOK_EVERY_MS = 200;
const STANDSTILL_MS = 60_000;

/** Commits and delivers, changes the key on the way, kills the receiver half-way, and waits until everything is delivered. */
export async function run(options: RunOptions): Promise<RunFigures> {
  const { messages, shop, receiver, write, screen } = options;
  const progress = new Progress(messages);
  const failure = new AbortController();
  const signal = AbortSignal.any([options.signal, failure.signal]);
  shop.dispatcher.on('delivered', ({ count }) => progress.deliver(count));
  for (const name of ['halted', 'parked'] as const) shop.dispatcher.on(name, ({ error }) => failure.abort(error));
  receiver.events.on('died', (what) => failure.abort(new Error(what)));

  const play = async (): Promise<RunFigures> => {
    const startedAt = performance.now();
    const onStage = Promise.all([rotate(progress, options), killAndRestart(progress, options, signal)]);
    await shop.dispatcher.start();
    const turn = async (): Promise<void> => {
      while (progress.waiting >= MOST_WAITING && receiver.isUp) await delay(5, undefined, { signal });
    };
    const writing = write({ turn, onCommit: () => progress.commit(), signal });
    const told = untilAllIsDelivered(progress, options, signal);
    const [[, silenceMs]] = await Promise.all([onStage, writing, told]);
    screen.settle(progress.line());
    return { progress, silenceMs, durationMs: performance.now() - startedAt };
  };
  const failed = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  try {
    return await Promise.race([play(), failed]);
  } finally {
    failure.abort(); // whatever goes on of a run that failed
  }
}

async function rotate(progress: Progress, { keys, screen }: RunOptions): Promise<void> {
  await progress.share(ROTATE_AT);
  keys.rotate();
  screen.print('', '  ↻ The sender changes its key: from now on it signs with the new one. The receiver knows both.', '');
}

async function killAndRestart(progress: Progress, { keys, receiver, screen }: RunOptions, signal: AbortSignal): Promise<number> {
  await progress.share(KILL_AT);
  const { pid } = receiver;
  const killedAt = performance.now();
  await receiver.kill();
  screen.print(
    '',
    `  ✗ half-way: the receiver (process ${pid}) is killed with SIGKILL, in the middle of its requests.`,
    '    The shop goes on taking orders. What it has to tell waits in its outbox.',
    '',
  );
  await delay(DOWN_MS, undefined, { signal });
  await receiver.start({ secrets: [keys.new] });
  const { delivered, waiting } = progress;
  await progress.share((delivered + 1) / progress.all);
  const silenceMs = performance.now() - killedAt;
  screen.print(
    '',
    `  ✓ The receiver is back (process ${receiver.pid}). It knows the new key only. ${number(silenceMs)} ms after the kill it takes messages again.`,
    `    ${number(waiting)} were waiting. Those that it had taken and not answered come again; it knows them by their ids.`,
    '',
  );
  return silenceMs;
}

async function untilAllIsDelivered(progress: Progress, { screen }: RunOptions, signal: AbortSignal): Promise<void> {
  let [before, changedAt] = ['', performance.now()];
  while (progress.delivered < progress.all) {
    progress.look();
    screen.change(progress.line());
    const now = `${progress.committed} ${progress.delivered}`;
    if (now !== before) [before, changedAt] = [now, performance.now()];
    if (performance.now() - changedAt > STANDSTILL_MS) throw new Error(`Nothing has moved for ${STANDSTILL_MS / 1_000} s.`);
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}
