import { expect } from 'chai';
import { eventually, gate } from '@waybill/testing';
import { SKIPPED_TYPE, UnitOfWork } from '@waybill/core';
import type { Dispatcher, DispatcherEvents, Receipt, RouteOptions, Sink } from '@waybill/core';
import { stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { MoodySink, says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';
import { Order, orderEvents } from '../shop/order.js';

const isBad = says('bad');
const THREE_TRIES_MS = 1_000 + 2_000 + 10;

describe('a stopped stream', () => {
  let desk: OrderDesk;
  let receipt: Receipt;

  beforeEach(() => (desk = new OrderDesk()));
  stopDispatchers();

  /** One stream stands at its second message; two more wait behind it. */
  const stopped = async (route: Partial<RouteOptions> = { onFailure: 'park-stream' }): Promise<Dispatcher<'memory'>> => {
    desk.sink.feel((message) => (isBad(message) ? 'refuse' : 'accept'));
    receipt = await desk.note('poor', 'good', 'bad', 'behind');
    const dispatcher = await desk.started(route);
    await desk.clock.pass(THREE_TRIES_MS);
    await desk.note('poor', 'later');
    await desk.note('other', 'a');
    await desk.clock.pass(10);
    expect(desk.sink.accepted).to.deep.equal(['poor@0', 'other@0']);
    return dispatcher;
  };
  const mend = (): void => desk.sink.feel(() => 'accept');
  /** No stream is stopped, and nothing waits in the lane. */
  const flowing = (dispatcher: Dispatcher<'memory'>): Promise<true> =>
    eventually('the flow of everything', async () =>
      (await dispatcher.lanes()).every(({ stopped, pending }) => stopped + pending === 0) ? true : undefined,
    );
  const streamsOf = async (dispatcher: Dispatcher<'memory'>): Promise<readonly string[]> =>
    (await dispatcher.stopped('memory')).map(({ stream, state }) => `${stream} ${state}`);

  describe('that is redriven', () => {
    it('delivers what piled up, in order, and flows with its lane again', async () => {
      const dispatcher = await stopped();
      const told = desk.listenTo(dispatcher);
      mend();

      const redriven = await dispatcher.redrive('memory', { stream: 'order-poor' });
      await desk.clock.pass(10);
      await desk.note('poor', 'last');
      await desk.clock.pass(10);

      expect(redriven.map(({ stream }) => stream)).to.deep.equal(['order-poor']);
      expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n, 1n, 2n, 3n, 4n]);
      expect(told.map(({ name }) => name)).to.deep.equal(['resumed', 'delivered', 'redriven', 'delivered']);
      expect(told[0]!.event).to.deep.equal({ route: 'memory', lane: 0, stream: 'order-poor' });
      expect(await streamsOf(dispatcher)).to.deep.equal([]);
      expect(await dispatcher.delivered(receipt, 'memory')).to.equal('delivered');
    });

    it('stays in order while more of it is committed, batch by batch', async () => {
      const dispatcher = await stopped({ onFailure: 'park-stream', batch: { size: 2 } });
      mend();
      await desk.note('poor', ...Array.from({ length: 9 }, (_, nth) => `more ${nth}`));

      await dispatcher.redrive('memory', { stream: 'order-poor' });
      for (let nth = 0; nth < 9; nth++) {
        await desk.note('poor', `meanwhile ${nth}`);
        await new Promise((resolve) => setImmediate(resolve));
        await desk.note('other', `beside ${nth}`);
      }
      await flowing(dispatcher);

      expect(desk.sink.revisionsOf('poor')).to.deep.equal(Array.from({ length: 22 }, (_, nth) => BigInt(nth)));
      expect(desk.sink.revisionsOf('other')).to.deep.equal(Array.from({ length: 10 }, (_, nth) => BigInt(nth)));
      expect(await streamsOf(dispatcher)).to.deep.equal([]);
    });

    it('leaves nothing out that lay in a page behind another message that was refused', async () => {
      desk.sink.feel((message) => (isBad(message) ? 'refuse' : 'accept'));
      await desk.note('poor', 'good', 'bad', 'behind', 'far behind');
      const [busy, mayGoOn] = [gate(), gate()];
      let isSlow = false;
      const slow: Sink = {
        async deliver(batch, context) {
          if (isSlow) {
            busy.open();
            await mayGoOn.opened;
          }
          return desk.sink.deliver(batch, context);
        },
      };
      const dispatcher = await desk.started({ sink: slow, onFailure: 'park-stream', retry: { attempts: 1 }, batch: { size: 3 } });
      await eventually('the stop', async () => (await streamsOf(dispatcher)).includes('order-poor parked') || undefined);
      desk.sink.feel(({ stream }) => (stream === 'order-third' ? 'refuse' : 'accept'));

      isSlow = true; // they are committed while the tail is on its way, so that they are the next page
      await dispatcher.redrive('memory', { stream: 'order-poor' });
      await busy.opened;
      await desk.note('third', 'refused');
      await desk.note('poor', 'more');
      await desk.note('fourth', 'fine');
      isSlow = false;
      mayGoOn.open();
      await desk.clock.pass(1_000);

      expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n, 1n, 2n, 3n, 4n]);
    });

    it('does not hold up the others of its lane', async () => {
      const dispatcher = await stopped({ onFailure: 'park-stream', batch: { size: 2 } });
      mend();
      await desk.note('poor', ...Array.from({ length: 40 }, (_, nth) => `more ${nth}`));
      await eventually('the lane passing them', async () => ((await dispatcher.lanes())[0]!.pending === 0 ? true : undefined));

      await dispatcher.redrive('memory', { stream: 'order-poor' });
      await desk.note('other', 'b');
      await flowing(dispatcher);

      const { accepted } = desk.sink;
      expect(accepted.indexOf('other@1')).to.be.below(accepted.indexOf('poor@20'));
    });

    it('stops again at the same message, after as many tries, when nothing was mended', async () => {
      const dispatcher = await stopped();
      const told = desk.listenTo(dispatcher);

      await dispatcher.redrive('memory', { stream: 'order-poor' });
      await desk.clock.pass(THREE_TRIES_MS);

      const names = told.map(({ name }) => name);
      expect(names).to.deep.equal(['resumed', 'waiting', 'waiting', 'parked']);
      expect((told.at(-1)!.event as DispatcherEvents['parked']).message.revision).to.equal(1n);
      expect(await streamsOf(dispatcher)).to.deep.equal(['order-poor parked']);
    });

    it('stops again at another bad message in the middle of what piled up, and lets nothing pass it', async () => {
      const dispatcher = await stopped();
      await desk.note('poor', 'worse', 'end');
      desk.sink.feel((message) => (says('worse')(message) ? 'refuse' : 'accept'));

      await dispatcher.redrive('memory', 'all');
      await desk.clock.pass(THREE_TRIES_MS);

      expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n, 1n, 2n, 3n]);
      const [stop] = await dispatcher.stopped('memory');
      expect(stop).to.deep.include({ state: 'parked', fromRevision: 4n });
      expect(stop!.failure).to.include({ attempts: 3, revision: 4n });
    });

    it('goes on after a restart in the middle', async () => {
      const first = await stopped({ onFailure: 'park-stream', batch: { size: 1 } });
      await desk.note('poor', ...Array.from({ length: 20 }, (_, nth) => `more ${nth}`));
      mend();
      await first.redrive('memory', 'all');
      await new Promise((resolve) => setImmediate(resolve));
      await first.stop();
      const before = desk.sink.revisionsOf('poor').length;

      await flowing(await desk.started({ onFailure: 'park-stream' }));

      expect(before).to.be.below(24);
      expect(desk.sink.revisionsOf('poor')).to.deep.equal(Array.from({ length: 24 }, (_, nth) => BigInt(nth)));
    });

    it('waits through an outage without using up a try', async () => {
      const dispatcher = await stopped();
      desk.sink.feel(() => 'away');

      await dispatcher.redrive('memory', 'all');
      await desk.clock.pass(300_000);
      const [stop] = await dispatcher.stopped('memory');
      mend();
      await desk.clock.pass(31_000);

      expect(stop).to.deep.include({ state: 'redriving', fromRevision: 1n });
      expect(stop!.failure.attempts).to.equal(0);
      expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n, 1n, 2n, 3n]);
    });
  });

  describe('as one of several', () => {
    const severalStopped = async (): Promise<Dispatcher<'memory'>> => {
      desk.sink.feel((message) => (says('worse')(message) ? 'refuse-for-good' : isBad(message) ? 'refuse' : 'accept'));
      await desk.note('one', 'bad');
      await desk.note('two', 'bad');
      const dispatcher = await desk.started({ onFailure: 'park-stream' });
      await desk.clock.pass(2 * THREE_TRIES_MS);
      return dispatcher;
    };

    it('is left alone when another one is redriven', async () => {
      const dispatcher = await severalStopped();
      mend();

      await dispatcher.redrive('memory', { stream: 'order-one' });
      await desk.clock.pass(10);

      expect(desk.sink.accepted).to.deep.equal(['one@0']);
      expect(await streamsOf(dispatcher)).to.deep.equal(['order-two parked']);
    });

    it('is chosen by the code of its failure', async () => {
      const dispatcher = await severalStopped();
      mend();

      expect(await dispatcher.redrive('memory', { code: 'SOMETHING_ELSE' })).to.deep.equal([]);
      await desk.clock.pass(10);
      expect(desk.sink.accepted).to.deep.equal([]);
      expect(await dispatcher.redrive('memory', { code: 'MESSAGE_REJECTED' })).to.have.length(2);
      await desk.clock.pass(10);

      expect(desk.sink.accepted).to.have.members(['one@0', 'two@0']);
    });

    it('is only told of in a dry run', async () => {
      const dispatcher = await severalStopped();
      mend();

      const found = await dispatcher.redrive('memory', 'all', { dryRun: true });
      await desk.clock.pass(10_000);

      expect(found.map(({ stream }) => stream)).to.have.members(['order-one', 'order-two']);
      expect(await desk.database.actions.recorded('memory', 10)).to.deep.equal([]);
      expect(desk.sink.accepted).to.deep.equal([]);
    });

    it('is not mistaken for one that is not stopped', async () => {
      const dispatcher = await severalStopped();

      const error = await failureOf('INVALID_OPTIONS', () => dispatcher.redrive('memory', { stream: 'order-three' }));

      expect(error.message).to.include('Not stopped at route "memory": "order-three"');
    });
  });

  it('is resumed with its lane where it is halted, in a process that does not dispatch, and the order is kept', async () => {
    const dispatcher = await stopped({ onFailure: 'halt-stream' });
    mend();

    await desk.dispatcher({ onFailure: 'halt-stream' }, { instance: 'console' }).resume('memory');
    await desk.clock.pass(10);

    expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n, 1n, 2n, 3n]);
    expect(await streamsOf(dispatcher)).to.deep.equal([]);
    const [action] = await desk.database.actions.recorded('memory', 10);
    expect(action).to.include({ kind: 'redrive', stream: 'order-poor', requestedBy: 'console', outcome: 'done' });
  });

  it('is not resumed where it is parked: somebody has to redrive it', async () => {
    const dispatcher = await stopped();

    await failureOf('INVALID_OPTIONS', () => dispatcher.resume('memory'));
  });

  describe('whose message is skipped', () => {
    it('goes on behind it, in order, and the reason is kept', async () => {
      const dispatcher = await stopped();
      const told = desk.listenTo(dispatcher);

      await dispatcher.skip('memory', receipt.messages[1]!.id, 'withdrawn');
      await desk.clock.pass(10);

      expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n, 2n, 3n]);
      expect(told.map(({ name }) => name)).to.deep.equal(['skipped', 'delivered', 'redriven']);
      expect(told[0]!.event).to.deep.include({ reason: 'withdrawn', lane: 0 });
      expect(await dispatcher.delivered(receipt, 'memory')).to.equal('skipped');
      const [action] = await desk.database.actions.recorded('memory', 10);
      expect(action).to.include({ kind: 'skip', reason: 'withdrawn', stream: 'order-poor', outcome: 'done' });
    });

    it('may be skipped while it still waits for its next try', async () => {
      desk.sink.feel((message) => (isBad(message) ? 'refuse' : 'accept'));
      receipt = await desk.note('poor', 'bad', 'behind');
      const dispatcher = await desk.started({ onFailure: 'park-stream' });

      await dispatcher.skip('memory', receipt.messages[0]!.id, 'withdrawn');
      await desk.clock.pass(10);

      expect(desk.sink.revisionsOf('poor')).to.deep.equal([1n]);
    });

    it('has a placeholder in its place where the sink needs whole streams, which loading counts and does not apply', async () => {
      desk = new OrderDesk({ sink: new MoodySink({ needsWholeStreams: true }) });
      const dispatcher = await stopped();
      desk.sink.feel((message) => (isBad(message) && message.type !== SKIPPED_TYPE ? 'refuse' : 'accept'));

      await dispatcher.skip('memory', receipt.messages[1]!.id, 'poison');
      await desk.clock.pass(10);

      expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n, 1n, 2n, 3n]);
      const placeholder = desk.sink.kept.delivered.find(({ type }) => type === SKIPPED_TYPE)!;
      expect(placeholder).to.include({ id: receipt.messages[1]!.id, revision: 1n });
      const { result: here } = await desk.unitOfWork.run(async ({ load }) => load(Order, 'poor'));
      expect({ notes: here.notes, revision: here.revision }).to.deep.equal({ notes: ['good', 'behind', 'later'], revision: 3n });
      const elsewhere = new UnitOfWork({
        ...{ database: new OrderDesk().database, catalogue: orderEvents },
        history: desk.sink.kept.history,
      });
      const { result: there } = await elsewhere.run(async ({ load }) => load(Order, 'poor'));
      expect(there.notes).to.deep.equal(here.notes);
    });

    it('is left as it is by an order that comes too late', async () => {
      const dispatcher = await stopped();
      mend();
      await dispatcher.redrive('memory', 'all');
      await flowing(dispatcher);
      const told = desk.listenTo(dispatcher);
      const [, bad] = receipt.messages;

      await desk.database.actions.request({
        route: 'memory',
        lane: 0,
        kind: 'skip',
        messageId: bad!.id,
        stream: bad!.stream,
        reason: 'late',
      });
      await desk.database.actions.request({ route: 'memory', lane: 0, kind: 'redrive', stream: bad!.stream });
      await desk.clock.pass(1_100);

      expect(told.map(({ name }) => name)).to.deep.equal(['order-refused', 'order-refused']);
      expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n, 1n, 2n, 3n]);
      expect(await dispatcher.delivered(receipt, 'memory')).to.equal('delivered');
      expect((await desk.database.actions.recorded('memory', 2)).map(({ outcome }) => outcome)).to.deep.equal(['refused', 'refused']);
    });
  });
});
