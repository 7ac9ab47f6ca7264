import { setTimeout as pause } from 'node:timers/promises';
import { Dispatcher } from '@waybill/core';
import type { Figure } from './figure.js';
import { fill } from './backlog.js';
import { OrderPlaced } from './order.js';
import type { Scratch } from './scratch.js';
import type { Sizes } from './sizes.js';
import { TallySink } from './tally-sink.js';

const MESSAGES = 100;
const SETTLE_MS = 3_000;

/** Statements a second of a dispatcher with 16 lanes that has nothing to do: in a database at rest, and in one that others write to. */
export async function idle({ idleMs }: Sizes, scratch: Scratch): Promise<readonly Figure[]> {
  const { pool, database } = await scratch.outbox({ lanes: 16 });
  await fill(database, MESSAGES);
  const busy = await scratch.pool(1, pool.options.connectionString);
  await busy.query('create table something_else (n integer)');
  const sink = new TallySink();
  const dispatcher = new Dispatcher({ database, catalogue: [OrderPlaced], routes: { idle: { sink, start: 'beginning' } } });
  let statements = 0;
  pool.on('acquire', () => statements++); // outside transactions, each statement takes a connection
  await dispatcher.start();
  await pause(Math.min(SETTLE_MS, idleMs));

  const perSecond = async (): Promise<number> => {
    const [before, startedAt] = [statements, performance.now()];
    await pause(idleMs);
    return ((statements - before) / (performance.now() - startedAt)) * 1_000;
  };
  const atRest = await perSecond();
  let writing = true;
  const others = (async () => {
    for (; writing; await pause(10)) await busy.query('insert into something_else values (1)');
  })();
  const amongOthers = await perSecond();
  writing = false;
  await others;
  await dispatcher.stop();

  const line = { section: 'idle', unit: 'statements/s', verdict: sink.tally.verdict(MESSAGES) };
  return [
    { ...line, name: '16 lanes, database at rest', ours: atRest },
    { ...line, name: '16 lanes, 100 foreign commits/s', ours: amongOthers },
  ];
}
