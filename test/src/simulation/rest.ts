import type { ReceiptMessage } from '@waybill/core';
import { placeOf } from './ledger.js';
import type { LedgerRow, RouteLedger } from './ledger.js';
import type { World } from './world.js';

// A lease, a longest backoff and a poll, a few times over; and the waits of messages that kill one process after the other.
const HEALTHY_WITHIN_MS = 60_000;
const ALL_WITHIN_MS = 120_000;
const STOPPED_WITHIN_MS = 20_000;
const ORDER_EVERY_MS = 5_000;
const MOST_EVENTS = 20_000;

/** The end of every story: the faults stop, and what was promised must come true; first beside what is still bad, then for everything. */
export async function bringToRest(world: World): Promise<void> {
  const { ledger, watch } = world;
  await healWorld(world);
  orderAll(world);
  await runUntil(world, () => unexcused(world).length === 0, HEALTHY_WITHIN_MS);
  for (const { route, row } of unexcused(world))
    ledger.breaks('G1 committed is delivered', `${placeOf(row)} did not reach ${route.setup.name}, and nothing is in its way`);

  for (const { poison, killers } of world.targets.values()) for (const bad of [poison, killers]) bad.clear();
  world.note('everything bad is cured');
  const isMissing = (): boolean => [...ledger.routes.values()].some(({ setup }) => ledger.missing(setup).length > 0);
  await orderUntil(world, () => !isMissing(), ALL_WITHIN_MS);
  for (const route of ledger.routes.values())
    for (const row of ledger.missing(route.setup))
      ledger.breaks('G1 committed is delivered', `${placeOf(row)} did not reach ${route.setup.name} within ${ALL_WITHIN_MS} ms`);

  if (!ledger.broken) await checkReceipts(world);
  if (!ledger.broken) await stopAll(world);
  await watch.checkTruth();
}

async function healWorld(world: World): Promise<void> {
  world.note('the faults stop');
  for (const name of world.application.open()) await world.perform({ act: 'commit', transaction: name });
  for (const { name } of world.living()) {
    await world.perform({ act: 'thaw', process: name });
    await world.perform({ act: 'reconnect', process: name });
  }
  for (const { name } of world.setup.routes) await world.perform({ act: 'sink-up', route: name });
}

/** An operator has everything go on that has stopped, again and again. */
async function orderUntil(world: World, done: () => boolean, withinMs: number): Promise<void> {
  const until = world.time.ms + withinMs;
  do {
    orderAll(world);
    await runUntil(world, done, ORDER_EVERY_MS);
  } while (!done() && world.time.ms < until && !world.ledger.broken);
}

function orderAll({ operator, setup }: World): void {
  for (const { name } of setup.routes) {
    operator.order('resume', name);
    operator.order('redrive', name);
  }
}

/** Without a fault and in the order of its time everything happens, until it is done or the time is over. */
async function runUntil(world: World, done: () => boolean, withinMs: number): Promise<void> {
  const until = world.time.ms + withinMs;
  for (let events = 0; events < MOST_EVENTS && !world.ledger.broken; events++) {
    const [pending] = world.network.possible();
    if (pending) {
      await world.perform({ act: 'happen', label: pending.label, fate: 'well' });
      continue;
    }
    if (done() || world.time.ms >= until) return;
    await restartIfNobodyRuns(world);
    const waiting = world.running().filter(({ clock }) => clock.dueIn() !== undefined);
    if (waiting.length === 0) await world.perform({ act: 'pass', ms: 100 });
    else await world.perform({ act: 'tick', process: waiting.reduce((a, b) => (b.clock.dueIn()! < a.clock.dueIn()! ? b : a)).name });
  }
  if (!done() && !world.ledger.broken) world.ledger.breaks('G1 committed is delivered', `no rest after ${MOST_EVENTS} events`);
}

async function restartIfNobodyRuns(world: World): Promise<void> {
  if (world.running().every(({ isLeaving }) => isLeaving)) await world.perform({ act: 'join', process: `p${world.processes.size + 20}` });
}

/** What should have been delivered in spite of the bad messages that are left. Whatever waits for a person was held to account when it was stopped. */
function unexcused(world: World): readonly { readonly route: RouteLedger; readonly row: LedgerRow }[] {
  const { ledger, targets, watch } = world;
  const committed = ledger.committed();
  return [...ledger.routes.values()].flatMap((route) => {
    const { poison, killers } = targets.get(route.setup.name)!;
    const bad = committed.filter(
      ({ id, stream }) => (poison.has(id) || killers.has(id)) && route.selects(stream) && !route.givenUp.has(id),
    );
    const laneOf = ({ lane }: LedgerRow): number => (route.setup.order === 'global' ? 0 : lane);
    const inTheWay = (row: LedgerRow): boolean =>
      bad.some((one) => blocks(route, one, row)) || watch.waitsForSomebody(route.setup.name, laneOf(row), row);
    return ledger.missing(route.setup).flatMap((row) => (inTheWay(row) ? [] : [{ route, row }]));
  });
}

function blocks({ setup }: RouteLedger, bad: LedgerRow, row: LedgerRow): boolean {
  if (bad.id === row.id) return true;
  if (setup.order === 'global') return true;
  if (setup.onFailure === 'halt') return bad.lane === row.lane;
  return setup.onFailure !== 'discard' && bad.stream === row.stream && bad.revision <= row.revision;
}

async function checkReceipts(world: World): Promise<void> {
  const { ledger, database } = world;
  await restartIfNobodyRuns(world);
  // What reached its target although nobody was told of it may still be skipped, parked, or halted at, by whoever does not know.
  await runUntil(world, () => false, 2 * world.setup.leaseMs);
  for (const route of ledger.routes.values()) {
    const { setup, givenUp } = route;
    const stopped = new Set((await database.status.stopped({ route: setup.name, most: 1_000 })).map(({ stream }) => stream));
    const lanes = (await database.status.lanes()).filter(({ route: name, state }) => name === setup.name && state === 'halted');
    const waits = ({ lane, stream }: LedgerRow): boolean =>
      stopped.has(stream) || lanes.some((halted) => halted.lane === (setup.order === 'global' ? 0 : lane));
    const rows = ledger.committed().filter((row) => route.selects(row.stream) && !givenUp.has(row.id) && !waits(row));
    if (rows.length === 0) continue;
    const answer = await receiptOf(world, setup.name, rows);
    if (answer !== 'delivered')
      ledger.breaks('receipts say the truth', `everything reached ${setup.name}, and the receipt says ${answer ?? 'nothing'}`);
    for (const row of rows) {
      const tries = await database.status.attempts({ messageId: row.id, route: setup.name });
      if (!tries.some(({ outcome }) => outcome === 'delivered'))
        ledger.breaks('the history has every try', `${placeOf(row)} reached ${setup.name}, and the history has no such try`);
    }
  }
}

/** What is answered within a time; `undefined` where nothing is. */
async function receiptOf(world: World, route: string, messages: readonly ReceiptMessage[]): Promise<string | undefined> {
  let answer: string | undefined;
  world
    .running()
    .at(-1)!
    .dispatcher.delivered({ messages, result: undefined, token: '', repeated: false }, route)
    .then(
      (outcome) => (answer = outcome),
      (error: unknown) => (answer = String(error)),
    );
  await runUntil(world, () => answer !== undefined, ALL_WITHIN_MS);
  return answer;
}

async function stopAll(world: World): Promise<void> {
  await runUntil(world, () => false, world.setup.leaseMs); // until nobody has a lease that could not be given back
  for (const { name } of world.living()) await world.perform({ act: 'leave', process: name });
  const until = world.time.ms + STOPPED_WITHIN_MS;
  while (world.living().length > 0 && world.time.ms < until && !world.ledger.broken) {
    const [pending] = world.network.possible();
    if (pending) await world.perform({ act: 'happen', label: pending.label, fate: 'well' });
    else {
      const waiting = world.running().find(({ clock }) => clock.dueIn() !== undefined);
      await world.perform(waiting ? { act: 'tick', process: waiting.name } : { act: 'pass', ms: 100 });
    }
  }
  for (const { name } of world.living())
    world.ledger.breaks('a stop ends and gives lanes back', `${name} has not stopped in ${STOPPED_WITHIN_MS} ms`);
  const stillHeld = (await world.database.status.lanes()).filter(
    ({ owner, route, lane, epoch }) => (world.processes.get(owner ?? '')?.beliefs.leftMs({ route, lane, epoch }) ?? 0) > 0,
  );
  for (const { route, lane, owner } of stillHeld)
    world.ledger.breaks('a stop ends and gives lanes back', `${owner} has stopped and still holds ${route}/${lane}`);
}
