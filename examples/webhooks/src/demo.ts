import { DemoProgram } from '@waybill/example-flights/demo-program';
import { seededRandom } from '@waybill/example-flights/seeded-random';
import { MongoClient } from 'mongodb';
import { randomBytes } from 'node:crypto';
import { storyOf, verdictTable } from './figures.js';
import { Keys } from './keys.js';
import { demoOptions } from './options.js';
import { number } from './progress.js';
import { ReceiverHost } from './receiver/receiver-host.js';
import { receiverTotals } from './receiver/receiver-totals.js';
import { run } from './run.js';
import { startServers } from './servers.js';
import type { DemoServers } from './servers.js';
import { commandsOf, planOrders } from './shop/plan-orders.js';
import { openShop } from './shop/shop.js';
import type { Shop } from './shop/shop.js';
import { writeOrders } from './shop/write-orders.js';
import { verdictOn } from './verdict.js';
import type { Verdict } from './verdict.js';

const options = demoOptions(process.argv);
const program = new DemoProgram();
const { screen, endings, stop } = program;

await program.run(demo);

async function demo(): Promise<boolean> {
  screen.print(
    '',
    'Waybill: a shop tells another system of its orders, by signed webhooks',
    'Half-way that system is killed, and comes back. At the end both must have the same sums.',
    '',
  );
  const servers = await startServers(options, (line) => screen.print(`  ${line}`));
  endings.push(() => servers.stop());
  const name = `waybill_webhooks_${randomBytes(4).toString('hex')}`; // of the schema on the one side, of the database on the other
  const keys = new Keys();
  const mongodb = await openMongoDB(servers, name);
  const receiver = await startReceiver(servers, name, keys);
  const shop = await open(servers, name, keys, receiver);

  const random = seededRandom(options.seed);
  const orders = planOrders(options.orders, random);
  const messages = orders.reduce((sum, order) => sum + commandsOf(order), 0);
  introduce(
    servers,
    receiver,
    `${number(orders.length)}, placed, changed, some cancelled: ${number(messages)} messages; seed ${options.seed}`,
  );
  const ran = await run({
    ...{ messages, shop, receiver, keys, screen, signal: stop.signal },
    write: (given) => writeOrders({ ...given, orders, random, unitOfWork: shop.unitOfWork }),
  });
  await shop.dispatcher.stop();
  await receiver.stop();

  screen.print('', '  Everything is delivered. Do both sides agree? A query in SQL, a query in MongoDB, nothing of Waybill:', '');
  const verdict = verdictOn(await shop.totals(), await receiverTotals(mongodb.db(name)), messages);
  screen.print(...verdictTable(verdict), '', ...storyOf(ran, receiver.count), '', ...judgement(verdict, messages), '');
  return verdict.ok;
}

async function openMongoDB({ mongodb }: DemoServers, name: string): Promise<MongoClient> {
  const client = new MongoClient(mongodb);
  endings.push(() => client.close());
  // What a receiver that was killed in the middle of a transaction has locked stays so until the server ends it.
  endings.push(() => client.db(name).dropDatabase());
  return client;
}

async function startReceiver({ mongodb }: DemoServers, database: string, keys: Keys): Promise<ReceiverHost> {
  stop.signal.throwIfAborted();
  const receiver = new ReceiverHost({ mongodb, database, way: options.accept ? 'accept' : 'handle now' });
  endings.push(() => receiver.kill());
  await receiver.start({ secrets: [keys.old, keys.new] });
  return receiver;
}

async function open({ postgres }: DemoServers, schema: string, keys: Keys, { url }: ReceiverHost): Promise<Shop> {
  stop.signal.throwIfAborted();
  const shop = openShop({ postgres, schema, url, secrets: keys.inUse });
  endings.push(
    () => shop.close(),
    () => shop.drop(),
    () => shop.dispatcher.stop(),
  );
  await shop.create();
  return shop;
}

function introduce({ descriptions }: DemoServers, { url, pid }: ReceiverHost, orders: string): void {
  const way = options.accept
    ? 'stores each message, answers, and handles it later, stream by stream'
    : 'handles each message before it answers';
  screen.print(
    `  the shop      commits to ${descriptions.postgres}`,
    `  the receiver  (process ${pid}) at ${url} ${way},`,
    `                on ${descriptions.mongodb}`,
    `  the orders    ${orders}`,
    '',
  );
}

function judgement({ ok, differing, examples, shop }: Verdict, messages: number): string[] {
  if (ok)
    return ["  ✓ Every customer's orders add up to the same on both sides: nothing lost, nothing counted twice, nothing out of order."];
  const missing =
    shop.messages === messages
      ? []
      : [`  ✗ ${number(messages)} messages were committed, and the shop's table knows of ${number(shop.messages)}.`];
  return [...missing, ...(differing > 0 ? ['  ✗ The two sides differ:', ...examples.map((example) => `    ${example}`)] : [])];
}
