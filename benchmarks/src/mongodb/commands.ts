import { fill } from '../backlog.js';
import { commitsOf } from '../commit.js';
import { drainOnce } from '../drain-once.js';
import type { Figure, Verdict } from '../figure.js';
import { sentPerSecond, whileIdle } from '../idle.js';
import { orderList } from '../order.js';
import type { Sizes } from '../sizes.js';
import { TallySink } from '../tally-sink.js';
import type { SentCommand } from './command-count.js';
import type { MongoDBScratch } from './mongodb-scratch.js';
import type { MongoDBShop } from './mongodb-shop.js';

const COMMITS = 20;
const PENDING = 1_000; // the most that one batch of numbers takes
const A_PAGE = 50;
// A poll comes every half second: in a few seconds, one more or less is chance.
const CHANCE_PER_SECOND = 0.5;

interface Count {
  readonly name: string;
  readonly ours: number;
  readonly verdict: Verdict;
  /** By how much two counts of it may differ. Default 0. */
  readonly chance?: number;
}

/** What no server changes: how many commands are sent. Counted in an empty outbox, and in one of which much was delivered. */
export async function commands(sizes: Sizes, scratch: MongoDBScratch): Promise<readonly Figure[]> {
  const { deliveredBefore } = sizes;
  const few = await countIn(await scratch.shop({ counts: true }), 0, sizes);
  const many = await countIn(await scratch.shop({ counts: true }), deliveredBefore, sizes);
  return many.map(({ name, ours, verdict, chance = 0 }, nth) => ({
    ...{ section: 'commands', name: `${name}, ${deliveredBefore} delivered before`, unit: 'commands', ours, verdict },
    yardstick: { name: '0 delivered before', value: few[nth]!.ours, verdict: few[nth]!.verdict },
    target: { text: 'the same', met: Math.abs(ours - few[nth]!.ours) <= chance },
  }));
}

async function countIn(shop: MongoDBShop, deliveredBefore: number, { idleMs }: Sizes): Promise<readonly Count[]> {
  await fill(shop.database, deliveredBefore, { prefix: 'before' });
  if (deliveredBefore > 0) await drainOnce(shop.database, 'idle', deliveredBefore);
  await shop.database.routes.save({ name: 'pages', order: 'stream', selection: {}, start: 'now' });
  return [await aCommit(shop), await aBatchOfNumbers(shop), await aPage(shop), await anIdleSecond(shop, idleMs)];
}

async function aCommit(shop: MongoDBShop): Promise<Count> {
  const commit = commitsOf(shop.database, [orderList(shop)]);
  await commit('first'); // looks whether the outbox is there, once a process
  const sent = await shop.commands.during(async () => {
    for (let nth = 0; nth < COMMITS; nth++) await commit(String(nth));
  });
  // One every few milliseconds at most, for however many commits: it tells dispatchers in other processes.
  const ofTransactions = sent.filter(({ inTransaction }) => inTransaction);
  const { length } = ofTransactions;
  return {
    name: 'a commit of projection + event',
    ours: length / COMMITS,
    verdict: { right: length % COMMITS === 0, found: inWords(ofTransactions, COMMITS) },
  };
}

async function aBatchOfNumbers({ database, commands }: MongoDBShop): Promise<Count> {
  const before = BigInt(await database.wakeUps.pulse());
  await fill(database, PENDING - 1, { prefix: 'pending', numbered: false });
  let numbered = 0n;
  const sent = await commands.during(async () => (numbered = BigInt(await database.wakeUps.pulse()) - before));
  return {
    name: 'a look and a batch of numbers',
    ours: sent.length,
    verdict: { right: numbered === BigInt(PENDING - 1), found: `${numbered} numbered by ${inWords(sent)}` },
  };
}

async function aPage({ database, commands }: MongoDBShop): Promise<Count> {
  const grants = await database.leases.acquire({ route: 'pages', owner: 'benchmark', leaseMs: 600_000, most: 1_000 });
  const sent: SentCommand[] = [];
  let [pages, messages] = [0, 0];
  for (const { lease, progress } of grants) {
    for (let { checkpoint } = progress, more = true; more;) {
      const ofPage = await commands.during(async () => {
        const { lane, route } = lease;
        const page = await database.lanes.read({ route, lane, order: 'stream', selection: {}, after: checkpoint, limit: A_PAGE });
        checkpoint = page.through;
        more = page.rows.length > 0;
        messages += page.rows.length;
        if (more) await database.lanes.settle(lease, { checkpoint, state: 'running', failure: undefined, suspects: 0 });
      });
      if (more) sent.push(...ofPage);
      if (more) pages++;
    }
  }
  const expected = PENDING - 1 + COMMITS + 1;
  return {
    name: 'a delivered batch',
    ours: sent.length / pages,
    verdict: { right: messages === expected, found: `${messages} messages in ${pages} batches by ${inWords(sent, pages)} each` },
  };
}

async function anIdleSecond(shop: MongoDBShop, idleMs: number): Promise<Count> {
  const sink = new TallySink();
  const ours = await whileIdle(shop, idleMs, sink, () => sentPerSecond(shop, idleMs));
  const verdict = sink.tally.verdict(PENDING - 1 + COMMITS + 1);
  return { name: 'an idle second of 16 lanes', ours, verdict, chance: CHANCE_PER_SECOND };
}

/** How often each, per so many. */
function inWords(sent: readonly SentCommand[], per = 1): string {
  const times = new Map<string, number>();
  for (const { name } of sent) times.set(name, (times.get(name) ?? 0) + 1);
  return [...times].map(([name, count]) => (count === per ? name : `${count / per} ${name}`)).join(', ');
}
