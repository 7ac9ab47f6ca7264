import { setTimeout as sleep } from 'node:timers/promises';
import type { Moment } from '@waybill/core';
import type { Scene } from './scene.js';

/** Something that goes wrong for a while; resolves when it is over. */
export type Fault = (scene: Scene) => Promise<void>;

const HOUR_MS = 3_600_000;
const moments: readonly Moment[] = ['read', 'delivered', 'settled'];

const anyInstance = ({ random, instances }: Scene): Scene['instances'][number] => {
  const running = instances.filter(({ isRunning }) => isRunning);
  return random.oneOf(running.length > 0 ? running : instances);
};
const whose = (scene: Scene): Scene['proxy'] => scene.random.oneOf([scene.proxy, ...scene.instances.map(({ network }) => network)]);
const longerThanALease = ({ random, leaseMs }: Scene): number => leaseMs + random.between(leaseMs / 10, leaseMs);

/** Every way to go wrong, by the name that reports use. */
export const faults = {
  kill: (scene) => anyInstance(scene).kill(),
  'kill at a moment': (scene) =>
    anyInstance(scene).kill({ crashAt: { moment: scene.random.oneOf(moments), nth: scene.random.between(1, 15) } }),
  freeze: (scene) => anyInstance(scene).freeze(longerThanALease(scene)),
  'wrong clock': (scene) => anyInstance(scene).kill({ clockOffByMs: scene.random.oneOf([-HOUR_MS, HOUR_MS]) }),
  'pool exhausted': (scene) => anyInstance(scene).kill({ hoggedPool: 2 }),
  'database restarted': async ({ server }) => server.restart?.(),
  'connections cut': async (scene) => whose(scene).cut(),
  'cut mid-commit': async ({ proxy, server, random }) => proxy.cutAt(server.isCommit, random.oneOf(['carried-out', 'lost'])),
  'cut mid-settle': async (scene) =>
    anyInstance(scene).network.cutAt(scene.server.isSettlement, scene.random.oneOf(['carried-out', 'lost'])),
  'black hole': async (scene) => {
    const network = whose(scene);
    network.shut();
    await sleep(longerThanALease(scene));
    network.open();
  },
  'slow network': async (scene) => {
    const network = whose(scene);
    network.delayMs = scene.random.between(5, 80);
    await sleep(longerThanALease(scene));
    network.delayMs = 0;
  },
  'EventStoreDB restarted': async ({ eventstoredb, random }) => {
    await eventstoredb.kill();
    await sleep(random.between(0, 500));
    await eventstoredb.restart();
  },
  'EventStoreDB mute': async (scene) => {
    scene.eventstoredb.faults.mute();
    await sleep(scene.random.between(200, 2_000));
    scene.eventstoredb.faults.heal();
  },
  'log stumbles': async ({ log, random }) => {
    log.take = (messages) => (random.chance(0.5) ? random.between(0, messages) : messages);
    await sleep(random.between(100, 500));
    log.take = (messages) => messages;
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;
