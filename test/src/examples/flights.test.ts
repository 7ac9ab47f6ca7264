import { airportNames, flightFile, flightRecords } from '@waybill/example-flights';
import { expect } from 'chai';
import { endsCleanly } from './demo-endings.js';
import { allGone, startDemo } from './started-demo.js';

const EXAMPLE = '@waybill/example-flights';
const SERVERS = 2;

describe('the flights demo', function () {
  this.timeout(90_000);

  for (const [database, server] of [
    ['postgres', /PostgreSQL \d+/],
    ['mongodb', /MongoDB (\d+|emulator)/],
  ] as const) {
    it(`holds what it promises on ${database} while a dispatcher is killed, and leaves nothing behind`, async () => {
      const { exited, output } = startDemo(EXAMPLE, ['--database', database, '--size', '300', '--seed', '7']);

      const code = await exited;

      expect(output.text, output.text).to.match(/✓ Every stream in EventStoreDB is what was committed/);
      expect(output.text).to.match(/dispatcher 2 \(process \d+\) has taken over [1-9]\d* lanes/);
      expect([code, output.text.split('\n').filter((line) => server.test(line)).length]).to.deep.equal([0, 1]);
      await allGone(output.text, SERVERS);
    });
  }

  endsCleanly({
    ...{ example: EXAMPLE, servers: SERVERS, long: ['--size', '20000'], short: ['--size', '10'] },
    interruptAt: (printed) => /committed [1-9]/.test(printed),
    killAt: (printed) => /committed [1-9]/.test(printed),
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
