import { wholeNumber } from '@waybill/example-flights/whole-number';
import { Command, Option } from 'commander';
import { DATABASES } from './composition/databases.js';
import type { DatabaseKind } from './composition/databases.js';

export interface DemoOptions {
  readonly orders: number;
  readonly seed: number;
  readonly database: DatabaseKind;
  readonly postgres?: string;
  readonly mongodb?: string;
  readonly eventstoredb?: string;
}

const [FEWEST_ORDERS, MOST_ORDERS] = [20, 100_000];

export function demoOptions(argv: readonly string[]): DemoOptions {
  return new Command('npm run demo:orders --')
    .description('Orders are paid and shipped while everything around them fails: at the end the books balance.')
    .option(
      '--orders <number>',
      `how many orders, up to ${MOST_ORDERS.toLocaleString('en-US')}`,
      wholeNumber(FEWEST_ORDERS, MOST_ORDERS),
      200,
    )
    .option('--seed <number>', 'decides the orders', wholeNumber(0, 2 ** 32 - 1), 2001)
    .addOption(new Option('--database <name>', 'where both services keep their data').choices(DATABASES).default('postgres'))
    .option('--postgres <url>', 'use this PostgreSQL instead of an embedded one; the run gets two schemas of its own there')
    .addOption(
      new Option('--mongodb <url>', 'use this MongoDB, a replica set, instead of one of its own; the run gets two databases there').implies(
        {
          database: 'mongodb',
        },
      ),
    )
    .option('--eventstoredb <url>', 'use this EventStoreDB instead of the emulator; the run gets streams of its own there')
    .parse(argv)
    .opts<DemoOptions>();
}
