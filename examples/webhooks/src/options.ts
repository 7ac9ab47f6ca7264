import { wholeNumber } from '@waybill/example-flights/whole-number';
import { Command } from 'commander';

export interface DemoOptions {
  readonly orders: number;
  readonly seed: number;
  readonly accept: boolean;
  readonly postgres?: string;
  readonly mongodb?: string;
}

const MOST_ORDERS = 1_000_000;

export function demoOptions(argv: readonly string[]): DemoOptions {
  return new Command('npm run demo:webhooks --')
    .description('A shop on PostgreSQL tells another system on MongoDB of its orders by signed webhooks. Half-way that system is killed.')
    .option('--orders <number>', `how many orders, up to ${MOST_ORDERS.toLocaleString('en-US')}`, wholeNumber(10, MOST_ORDERS), 1_000)
    .option('--seed <number>', 'decides what becomes of the orders, and in which sequence', wholeNumber(0, 2 ** 32 - 1), 2001)
    .option('--accept', 'the receiver stores each message and answers; it handles them later, stream by stream', false)
    .option('--postgres <url>', 'use this PostgreSQL instead of an embedded one; the run gets a schema of its own there')
    .option('--mongodb <url>', 'use this MongoDB, a replica set, instead of one of its own; the run gets a database of its own there')
    .parse(argv)
    .opts<DemoOptions>();
}
