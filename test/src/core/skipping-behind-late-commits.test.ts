import { expect } from 'chai';
import { SinkUnavailableError } from '@waybill/core';
import type { Database, Dispatcher, DispatcherOptions, Sink } from '@waybill/core';
import type { InMemoryDatabase, InMemoryTx } from '@waybill/core/in-memory';
import { aMessage, anAppend, gate } from '@waybill/testing';
import { aDispatcher, stopDispatchers } from '../shop/dispatching.js';
import { linkTo } from '../shop/linked-database.js';
import { ManualClock } from '../shop/manual-clock.js';
import { placeOf } from '../shop/moody-sink.js';
import { orderEvents } from '../shop/order.js';
import { Till } from '../shop/till.js';
import { windowedDatabase } from '../simulation/windowed-database.js';

const LEASE_MS = 10_000;
const UNTIL_TAKEN_OVER_MS = LEASE_MS + 1_100;

describe('skipping a message whose outcome nobody knows, when a late commit lies before it,', () => {
  let clock: ManualClock;
  let database: Database<InMemoryTx>;
  let till: Till;

  beforeEach(() => {
    clock = new ManualClock();
    database = windowedDatabase({ lanes: 1, clock });
    till = new Till('halt');
    till.feel((message) => (placeOf(message) === 'dear@0' ? 'hangs' : 'answers'));
  });
  stopDispatchers();

  const append = (id: string): Promise<unknown> =>
    database.transactions.run((tx) => database.outbox.append([anAppend(`order-${id}`, { messages: [aMessage('Happened', { id })] })], tx));
  /** A commit with a lower position than what is appended from now on; visible once it is called. */
  const appendLate = async (id: string): Promise<() => Promise<void>> => {
    const [appended, mayCommit] = [gate(), gate()];
    const committed = database.transactions.run(async (tx) => {
      await database.outbox.append([anAppend(`order-${id}`, { messages: [aMessage('Happened', { id })] })], tx);
      appended.open();
      await mayCommit.opened;
    });
    await appended.opened;
    return () => {
      mayCommit.open();
      return committed;
    };
  };
  const started = async (sink: Sink, options: Partial<DispatcherOptions> = {}): Promise<Dispatcher<'till'>> => {
    const routes = { till: { sink, start: 'beginning' as const, retry: { attempts: 3, firstMs: 1_000, maxMs: 30_000 } } };
    const process = { database, catalogue: orderEvents, clock, random: () => 0.999_999, pollMs: 1_000, leaseMs: LEASE_MS };
    const dispatcher = aDispatcher({ ...process, ...options, routes });
    await dispatcher.start();
    await clock.pass(1_100);
    return dispatcher;
  };
  /** A process that is gone as soon as its target has this message. */
  const mortal = (dies: string): Promise<Dispatcher<'till'>> => {
    const link = linkTo(database as InMemoryDatabase);
    const dying: Sink = {
      mostAtOnce: 1,
      async deliver(batch, context) {
        const delivery = await till.deliver(batch, context);
        if (placeOf(batch[0]!) !== dies) return delivery;
        link.cut = true;
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
        return { accepted: 0, failure: new SinkUnavailableError('the process is gone') };
      },
    };
    return started(dying, { database: link.database, instance: 'mortal' });
  };
  const orders = async (dispatcher: Dispatcher<'till'>): Promise<readonly unknown[]> =>
    (await dispatcher.actions('till')).map(({ kind, outcome }) => [kind, outcome]);

  it('delivers that, and sends the message to nobody, also after a process was gone with it', async () => {
    const commitLate = await appendLate('late');
    await append('dear');
    await mortal('dear@0');
    await clock.pass(UNTIL_TAKEN_OVER_MS);
    const dispatcher = await started(till);
    await commitLate();

    await dispatcher.skip('till', 'dear', 'it is on the statement');
    await clock.pass(1_100);

    expect(till.calls).to.deep.equal(['dear@0', 'dear@0 again?', 'late@0']);
    expect(await orders(dispatcher)).to.deep.equal([['skip', 'done']]);
    expect((await dispatcher.lanes())[0]).to.include({ state: 'running', pending: 0, failure: undefined });
  });

  it('leaves both in doubt when the process is gone with that', async () => {
    const commitLate = await appendLate('late');
    await append('dear');
    const first = await mortal('late@0');
    await commitLate();
    await first.skip('till', 'dear', 'it is on the statement');
    await clock.pass(UNTIL_TAKEN_OVER_MS);

    const second = await started(till, { instance: 'survivor' });
    await clock.pass(1_100);
    const [lane] = await second.lanes();
    await second.skip('till', 'late', 'it is there, too');
    await clock.pass(1_100);

    expect(lane).to.include({ state: 'halted' });
    expect(lane!.failure).to.include({ messageId: 'late', code: 'OUTCOME_UNKNOWN' });
    expect((await second.lanes())[0]!.failure).to.include({ messageId: 'dear', code: 'OUTCOME_UNKNOWN' });
    expect(till.calls).to.deep.equal(['dear@0', 'late@0', 'late@0 again?', 'dear@0 again?']);
    expect(till.charged).to.deep.equal(['dear@0', 'late@0']);
  });

  it('goes on with that where it is not accepted, and the message stays in doubt', async () => {
    const commitLate = await appendLate('late');
    await append('dear');
    const dispatcher = await started(till);
    await commitLate();
    till.feel(() => 'away');
    await dispatcher.skip('till', 'dear', 'it is on the statement');
    await clock.pass(1_100);
    const [lane] = await dispatcher.lanes();
    till.feel(() => 'answers');
    await clock.pass(31_000);

    expect(await orders(dispatcher)).to.deep.equal([['skip', 'refused']]);
    expect(lane!.failure).to.include({ messageId: 'late', code: 'SINK_UNAVAILABLE' });
    expect(till.charged).to.deep.equal(['dear@0', 'late@0']);
    expect((await dispatcher.lanes())[0]).to.include({ state: 'halted', pending: 1 });
    expect(till.calls.at(-1)).to.equal('dear@0 again?');
  });
});
