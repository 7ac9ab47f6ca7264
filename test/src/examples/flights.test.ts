import { airportNames, flightFile, flightRecords } from '@waybill/example-flights';
import { expect } from 'chai';
import { until } from '../local-servers/killed-after-starting.js';
import { allGone, isGone, startDemo } from './started-demo.js';

const start = (...args: readonly string[]): ReturnType<typeof startDemo> => startDemo('@waybill/example-flights', args);
const SERVERS = 2;

describe('the flights demo', function () {
  this.timeout(90_000);

  for (const [database, server] of [
    ['postgres', /PostgreSQL \d+/],
    ['mongodb', /MongoDB (\d+|emulator)/],
  ] as const) {
    it(`holds what it promises on ${database} while a dispatcher is killed, and leaves nothing behind`, async () => {
      const { exited, output } = start('--database', database, '--size', '300', '--seed', '7');

      const code = await exited;

      expect(output.text, output.text).to.match(/✓ Every stream in EventStoreDB is what was committed/);
      expect(output.text).to.match(/dispatcher 2 \(process \d+\) has taken over [1-9]\d* lanes/);
      expect([code, output.text.split('\n').filter((line) => server.test(line)).length]).to.deep.equal([0, 1]);
      await allGone(output.text, SERVERS);
    });
  }

  it('leaves nothing behind when it is interrupted', async () => {
    const { demo, exited, output } = start('--size', '20000');
    await until(() => /committed [1-9]/.test(output.text));

    demo.kill('SIGINT');

    expect(await exited).to.equal(130);
    await allGone(output.text, SERVERS);
  });

  it('leaves nothing behind when it is killed', async () => {
    const { demo, exited, output } = start('--size', '20000');
    await until(() => /committed [1-9]/.test(output.text));

    demo.kill('SIGKILL');
    await exited;

    await until(() => isGone(output.text, SERVERS));
  });

  it('says what to do when a server does not answer', async () => {
    for (const [option, url, what] of [
      ['--postgres', 'postgres://nobody@127.0.0.1:1/none', 'Cannot connect to PostgreSQL at 127.0.0.1:1'],
      ['--mongodb', 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100', 'Cannot use the MongoDB at 127.0.0.1:1'],
    ] as const) {
      const { exited, output } = start('--size', '10', option, url);

      expect(await exited).to.equal(1);
      expect(output.text).to.contain(what);
      expect(output.text).not.to.contain('    at '); // no stack trace
    }
  });

  it('takes the smallest file of records that suffices', async () => {
    expect([1, 2_000, 2_001, 20_000, 20_001, 3_000_000].map(flightFile)).to.deep.equal([
      ...['flights-2k.json', 'flights-2k.json', 'flights-5k.json', 'flights-20k.json', 'flights-3m.parquet', 'flights-3m.parquet'],
    ]);
  });

  it('reads the records of both kinds of file alike', async () => {
    const [json, parquet] = [await recordAt(0, 2_000), await recordAt(20_000, 20_001)];

    expect(json).to.deep.equal({ date: '2001/01/01 06:55', delay: -19, distance: 1_797, origin: 'LAX', destination: 'BNA' });
    expect(parquet?.date).to.match(/^2001\/\d\d\/\d\d \d\d:\d\d$/);
    expect([typeof parquet?.delay, typeof parquet?.distance, parquet?.origin.length]).to.deep.equal(['number', 'number', 3]);
  });

  it('knows airports by name, also by a name with a comma', async () => {
    const names = await airportNames();

    expect([names.get('JFK'), names.get('BTR')]).to.deep.equal(['New York John F Kennedy Intl', 'Baton Rouge Metropolitan, Ryan']);
  });
});

async function recordAt(
  place: number,
  size: number,
): Promise<(Record<string, unknown> & { readonly origin: string; readonly date: string }) | undefined> {
  let last;
  let index = 0;
  for await (const record of flightRecords(size)) if (index++ === place) last = record;
  return last && { ...last };
}
