import { setTimeout as sleep } from 'node:timers/promises';
import { forAWhile } from './patiently.js';
import { faults } from './faults.js';
import type { FaultName } from './faults.js';
import type { Scene } from './scene.js';

export interface StormOptions {
  /** Until so many processes were killed, or so many milliseconds have passed. */
  readonly kills: number;
  readonly maxMs: number;
  /** Pause between two faults, in milliseconds, from and to. */
  readonly pauseMs?: readonly [number, number];
  /** How often each fault is drawn, compared with the others. Default: {@link everyFault}. */
  readonly weights?: Readonly<Partial<Record<FaultName, number>>>;
  /** Called at each fault. */
  readonly onFault?: (name: FaultName) => void;
}

/** Mostly kills, and now and then everything else. */
export const everyFault: Readonly<Record<FaultName, number>> = {
  ...{ kill: 14, 'kill at a moment': 6, freeze: 2, 'wrong clock': 2, 'pool exhausted': 2 },
  ...{ 'database restarted': 1, 'connections cut': 2, 'cut mid-commit': 3, 'cut mid-settle': 3, 'black hole': 1, 'slow network': 1 },
  ...{ 'EventStoreDB restarted': 1, 'EventStoreDB mute': 1, 'log stumbles': 2 },
};

/** To kill who has nothing to do shows little: so long a killer waits for the next delivery. */
const IDLE_MS = 2_000;
/** More than one at a time is what makes days bad. */
const MOST_AT_ONCE = 3;

/** One fault after the other at random moments, also before the last one is over. Resolves when all of them are. */
export async function storm(scene: Scene, options: StormOptions): Promise<void> {
  const { kills, maxMs, pauseMs: [least, most] = [50, 600], weights = everyFault, onFault = () => {} } = options;
  const { random } = scene;
  const hat = Object.entries(weights).flatMap(([name, times]) => new Array<FaultName>(times).fill(name as FaultName));
  const underWay = new Set<Promise<void>>();
  const before = scene.kills;
  let delivered = 0;

  for (const endAt = performance.now() + maxMs; scene.kills - before < kills && performance.now() < endAt;) {
    await sleep(random.between(least, most));
    const name = random.oneOf(hat);
    if (name.startsWith('kill')) await forAWhile(IDLE_MS, () => scene.log.deliveries.length > delivered || undefined);
    delivered = scene.log.deliveries.length;
    onFault(name);
    const fault = faults[name](scene).finally(() => underWay.delete(fault));
    underWay.add(fault);
    if (underWay.size >= MOST_AT_ONCE) await Promise.race(underWay);
  }
  await Promise.all(underWay);
}
