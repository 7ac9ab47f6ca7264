import { DemoProgram } from '@waybill/example-flights/demo-program';
import { seededRandom } from '@waybill/example-flights/seeded-random';
import { randomBytes } from 'node:crypto';
import { planOrders } from './customers.js';
import { auditTable, judgement } from './figures.js';
import { demoOptions } from './options.js';
import { run } from './run.js';
import { startServers } from './servers.js';
import { Stage } from './stage.js';

const options = demoOptions(process.argv);
const program = new DemoProgram();
const { screen, endings, stop } = program;

await program.run(demo);

async function demo(): Promise<boolean> {
  screen.print(
    '',
    'Waybill: orders are paid and shipped, while everything around them fails',
    'At the end the books of the shop, of the payment service and of the shipping service must balance.',
    '',
  );
  const servers = await startServers(options, (line) => screen.print(`  ${line}`));
  endings.push(() => servers.stop());
  const { url, eventstoredb, ledger, descriptions } = servers;
  const name = randomBytes(4).toString('hex');
  stop.signal.throwIfAborted();
  const stage = new Stage({ place: { database: options.database, url, run: name }, eventstoredb, ledger });
  endings.push(() => stage.strike());
  await stage.set();
  screen.print(
    `  shop and shipping commit to ${descriptions[0]}`,
    `  they tell each other by     ${descriptions[1]}`,
    `  payments                    (process ${stage.payment.pid}) at ${stage.paymentUrl}`,
    `  orders                      ${options.orders.toLocaleString('en-US')}; seed ${options.seed}`,
    '',
  );

  const random = seededRandom(options.seed);
  const orders = planOrders(options.orders, name, random);
  const { durationMs } = await run({ stage, orders, random, screen, signal: stop.signal });

  screen.print('', '  All is over. Plain queries, the books of the payment service, nothing of Waybill:', '');
  const found = await stage.audit();
  const byHand = (await stage.closedCases()).map((reason) => `  closed by hand: ${reason}`);
  screen.print(...auditTable(found), '', `  after ${Math.round(durationMs / 1_000)} s`, ...byHand, '', ...judgement(found), '');
  return found.faults.length === 0;
}
