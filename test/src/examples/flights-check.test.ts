import { Flight, noticeOf, RecomputedBoard, verify } from '@waybill/example-flights';
import type { BoardLine, EventOnRecord, Fault, FlightEvent, FlightRecord, Notice, Verdict } from '@waybill/example-flights';
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';

/** Both sides of a run, as the check reads them; a test changes one of them. */
interface Sides {
  readonly committed: Map<string, EventOnRecord[]>;
  readonly stored: Map<string, EventOnRecord[]>;
  board: BoardLine[];
  notices: Notice[];
}

const late: FlightRecord = { date: '2001/01/01 08:00', delay: 150, distance: 1_797, origin: 'LAX', destination: 'BNA' };
const punctual: FlightRecord = { date: '2001/01/01 09:00', delay: -3, distance: 1_609, origin: 'SJC', destination: 'IAH' };

describe('the check at the end of the flights demo', () => {
  let sides: Sides;
  beforeEach(() => (sides = sidesOf({ 'flight-run-0': late, 'flight-run-1': punctual, 'flight-run-2': late })));

  function events(stream: string): EventOnRecord[] {
    return sides.stored.get(stream)!;
  }

  async function faults(): Promise<Partial<Record<Fault, number>>> {
    const { faults: all, ok } = await check(sides);
    const found = Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
    expect(ok).to.equal(Object.keys(found).length === 0);
    return found;
  }

  it('finds nothing where nothing is wrong', async () => {
    const { streams, events: number, notices, ok, examples } = await check(sides);

    expect({ streams, number, notices, ok, examples }).to.deep.equal({ streams: 3, number: 11, notices: 2, ok: true, examples: [] });
  });

  it('notices a lost event', async () => {
    events('flight-run-1').pop();

    expect(await faults()).to.deep.equal({ lost: 1, board: 1 });
  });

  it('notices a lost stream', async () => {
    sides.stored.delete('flight-run-0');

    expect(await faults()).to.deep.equal({ lost: 4, board: 2, notice: 1 });
  });

  it('notices an event that is stored twice', async () => {
    append('flight-run-1', events('flight-run-1')[2]!);

    expect(await faults()).to.deep.equal({ doubled: 1, board: 1 });
  });

  it('notices events that changed places', async () => {
    const [scheduled, departed, landed] = events('flight-run-1');
    sides.stored.set('flight-run-1', [scheduled!, { ...landed!, revision: 1n }, { ...departed!, revision: 2n }]);

    expect(await faults()).to.deep.equal({ reordered: 2 });
  });

  it('notices a payload that changed on the way', async () => {
    const [scheduled] = events('flight-run-1');
    Object.assign(scheduled!, { data: { ...(scheduled!.data as object), distanceMiles: 1 } });

    expect(await faults()).to.deep.equal({ changed: 1 });
  });

  it('notices a type that changed on the way', async () => {
    Object.assign(events('flight-run-0')[1]!, { type: 'FlightDiverted' });

    expect(await faults()).to.deep.equal({ changed: 1, board: 1, notice: 1 });
  });

  it('notices an event that was never committed', async () => {
    append('flight-run-1', { ...events('flight-run-1')[2]!, id: randomUUID() });

    expect(await faults()).to.deep.equal({ foreign: 1, board: 1 });
  });

  it('notices a stream that was never committed', async () => {
    sides.stored.set('flight-run-9', [...events('flight-run-1')]);

    expect(await faults()).to.deep.equal({ foreign: 3 });
  });

  it('notices a board that is off by one, and says where', async () => {
    sides.board = sides.board.map((line) => (line.airport === 'LAX' ? { ...line, departed: line.departed + 1 } : line));

    const { faults: found, examples } = await check(sides);

    expect(found.board).to.equal(1);
    expect(examples).to.have.lengthOf(1);
    expect(examples[0]).to.match(/^board: LAX/);
  });

  it('notices an airport that is missing on the board, and one that is there for nothing', async () => {
    sides.board = sides.board.map((line) => (line.airport === 'SJC' ? { ...line, airport: 'NIL' } : line));

    expect(await faults()).to.deep.equal({ board: 2 });
  });

  it('notices a notice that is missing, doubled, different, or for no long delay', async () => {
    const [one, other] = sides.notices as [Notice, Notice];
    const found: unknown[] = [];

    for (const notices of [[one], [one, one, other], [one, { ...other, text: '' }], [one, other, { ...one, messageId: randomUUID() }]]) {
      sides.notices = notices;
      found.push(await faults());
    }

    expect(found).to.deep.equal([{ notice: 1 }, { notice: 1 }, { notice: 1 }, { notice: 1 }]);
  });

  it('says of many differences how many there are, and tells the first', async () => {
    sides.stored.clear();

    const { faults: found, examples } = await check(sides);

    expect(found.lost).to.equal(11);
    expect(examples).to.have.lengthOf(10);
    expect(examples[0]).to.equal('lost: flight-run-0@0 (FlightScheduled) was committed and is not in EventStoreDB');
  });

  function append(stream: string, event: EventOnRecord): void {
    const all = events(stream);
    all.push({ ...event, revision: BigInt(all.length) });
  }
});

function sidesOf(records: Readonly<Record<string, FlightRecord>>): Sides {
  const [committed, stored, board, notices] = [
    new Map<string, EventOnRecord[]>(),
    new Map<string, EventOnRecord[]>(),
    new RecomputedBoard(),
    [] as Notice[],
  ];
  for (const [stream, record] of Object.entries(records)) {
    const flown = fly(stream, record);
    committed.set(
      stream,
      flown.map((event, index) => ({ ...event, id: randomUUID(), revision: BigInt(index), at: new Date() })),
    );
    stored.set(
      stream,
      committed.get(stream)!.map((event) => ({ ...event })),
    );
    for (const event of flown) board.add(event);
    for (const { id, type, data } of committed.get(stream)!)
      if (type === 'FlightDelayed') notices.push(noticeOf(id, stream, data as never));
  }
  return { committed, stored, board: [...board.lines().values()], notices };
}

function fly(stream: string, record: FlightRecord): readonly FlightEvent[] {
  const flight = new Flight(stream.slice('flight-'.length));
  flight.schedule(record);
  flight.depart(record.delay);
  flight.land();
  return flight.pending;
}

function check({ committed, stored, board, notices }: Sides): Promise<Verdict> {
  return verify(
    {
      async *committedStreams() {
        for (const [stream, events] of committed) yield [{ stream, events }];
      },
      board: async () => board,
      noticesFor: async (ids) => notices.filter(({ messageId }) => ids.includes(messageId)),
      noticeCount: async () => notices.length,
    },
    {
      read: async (stream) => stored.get(stream) ?? [],
      count: async () => [...stored.values()].reduce((sum, events) => sum + events.length, 0),
    },
  );
}
