import { Command, Option } from 'commander';
import { DATABASES } from './composition/flights-on.js';
import type { DatabaseKind } from './composition/flights-on.js';
import { MOST_FLIGHTS } from './flight-records.js';
import { wholeNumber } from './whole-number.js';

export interface DemoOptions {
  readonly size: number;
  readonly seed: number;
  readonly serve: boolean;
  readonly database: DatabaseKind;
  readonly postgres?: string;
  readonly mongodb?: string;
  readonly eventstoredb?: string;
}

export function demoOptions(argv: readonly string[]): DemoOptions {
  return new Command('npm run demo --')
    .description(
      'Real on-time records of US flights: committed to PostgreSQL or MongoDB, streamed to EventStoreDB, while a dispatcher is killed.',
    )
    .option('--size <flights>', `how many flights, up to ${MOST_FLIGHTS.toLocaleString('en-US')}`, wholeNumber(1, MOST_FLIGHTS), 3_000)
    .option(
      '--seed <number>',
      'decides the order of the commands, the slow transactions and the rollbacks',
      wholeNumber(0, 2 ** 32 - 1),
      2001,
    )
    .option('--serve', 'keep the servers up at the end, and print their addresses', false)
    .addOption(new Option('--database <name>', 'where flights are committed').choices(DATABASES).default('postgres'))
    .option('--postgres <url>', 'use this PostgreSQL instead of an embedded one; the run gets a schema of its own there')
    .addOption(
      new Option(
        '--mongodb <url>',
        'use this MongoDB, a replica set, instead of one of its own; the run gets a database of its own there',
      ).implies({
        database: 'mongodb',
      }),
    )
    .option('--eventstoredb <url>', 'use this EventStoreDB instead of the emulator; the run gets streams of its own there')
    .parse(argv)
    .opts<DemoOptions>();
}
