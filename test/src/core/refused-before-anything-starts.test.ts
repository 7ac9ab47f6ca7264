import { expect } from 'chai';
import { Dispatcher } from '@waybill/core';
import type { DispatcherOptions, Notifier, RouteOptions, Sink } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import { failureOf } from '../shop/failure-of.js';
import { orderEvents } from '../shop/order.js';

const notify: Notifier = { notify: () => Promise.resolve() };

describe('before anything is started', () => {
  const dispatcherWith = (options: Partial<DispatcherOptions>): Dispatcher =>
    new Dispatcher({
      ...{ database: new InMemoryDatabase({ lanes: 2 }), catalogue: orderEvents, routes: { memory: { sink: new InMemorySink() } } },
      ...options,
    });

  for (const [option, alarms] of [
    ['tries', { tries: Number.NaN }],
    ['perMinute', { perMinute: 0 }],
    ['graceMs', { graceMs: -5 }],
    ['stuckAfterMs', { stuckAfterMs: Number.NaN }],
  ] as const) {
    it(`an alarm option that makes no sense is refused: ${option}`, async () => {
      for (const options of [{ alarms }, { alarms, notify }]) {
        expect((await failureOf('INVALID_OPTIONS', () => dispatcherWith(options))).message).to.include(option);
      }
    });
  }

  it('a notifier that cannot notify is refused', async () => {
    for (const none of [{}, [notify, undefined]]) {
      const error = await failureOf('INVALID_OPTIONS', () => dispatcherWith({ notify: none as unknown as Notifier }));
      expect(error.message).to.include('has no method `notify`');
    }
  });

  for (const instance of ['', 'shop\0', 'shop\ud800', 7 as unknown as string]) {
    it(`an instance is refused whose name no database keeps: ${JSON.stringify(instance)}`, async () => {
      expect((await failureOf('INVALID_OPTIONS', () => dispatcherWith({ instance }))).message).to.include('instance is');
    });
  }

  for (const name of ['mails\0', 'mails\ud800']) {
    it(`a route is refused whose name not every database keeps: ${JSON.stringify(name)}`, async () => {
      const routes = { [name]: { sink: new InMemorySink() } };
      expect((await failureOf('ROUTE_REFUSED', () => dispatcherWith({ routes }))).message).to.include('its name holds');
    });
  }

  it('a lease of more than a day is refused', async () => {
    expect((await failureOf('INVALID_OPTIONS', () => dispatcherWith({ leaseMs: 1e300 }))).message).to.include('more than a day');
  });

  it('a former name that is a route still is refused: that route would be left without lanes', async () => {
    const sink = new InMemorySink();
    const routes: Record<string, RouteOptions> = { old: { sink }, renamed: { sink, formerly: 'old' } };

    const error = await failureOf('ROUTE_REFUSED', () => dispatcherWith({ routes }));

    expect(error.route).to.equal('renamed');
    expect(error.message).to.include('take that one out of `routes`');
  });

  it('two routes of one former name are refused: only one of them could go on there', async () => {
    const sink = new InMemorySink();
    const routes: Record<string, RouteOptions> = { one: { sink, formerly: 'old' }, other: { sink, formerly: 'old' } };

    expect((await failureOf('ROUTE_REFUSED', () => dispatcherWith({ routes }))).message).to.include('and so was "other"');
  });

  it('a signal that aborts while a sink waits for its target ends the start', async () => {
    const abort = new AbortController();
    const patient: Sink = {
      start: (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('nobody was there')))),
      deliver: (batch) => Promise.resolve({ accepted: batch.length }),
    };
    const starting = dispatcherWith({ routes: { memory: { sink: patient } } }).start({ signal: abort.signal });

    setImmediate(() => abort.abort());

    expect(await starting.catch((error: Error) => error.message)).to.equal('nobody was there');
  });
});
