import { DatabaseUnavailableError, InboxHandler } from '@waybill/core';
import type { CallContext, Commit, Message } from '@waybill/core';
import { InMemoryEventLog } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { CrashPoints, eventually, gate } from '@waybill/testing';
import { expect } from 'chai';
import { inMemory } from '../databases/databases.js';
import { ParcelShipped } from '../receiving/parcels.js';
import { Consuming, upTo } from './consuming.js';

/** Calls the carrier for each parcel, and notes it down when the carrier has answered. */
class Calls {
  readonly made: { readonly key: string; readonly mayBeRepeat: boolean }[] = [];
  afterCall: (signal: AbortSignal) => void | Promise<void> = () => {};
  beforeCommit: () => void = () => {};

  constructor(private readonly write: (entry: string, tx: InMemoryTx) => Promise<void>) {}

  @InboxHandler(ParcelShipped, { name: 'call-carrier', twoStep: true })
  async call({ id, stream, data }: Message<ParcelShipped>, { mayBeRepeat, signal }: CallContext): Promise<Commit<InMemoryTx>> {
    this.made.push({ key: id, mayBeRepeat });
    await this.afterCall(signal);
    return async ({ tx }) => {
      this.beforeCommit();
      await this.write(`${stream} ${data.orderId}`, tx);
    };
  }
}

describe('a consumer over a log, whose handler calls the outside', () => {
  let app: Consuming<InMemoryTx>;
  let calls: Calls;
  beforeEach(async () => {
    app = await Consuming.open(inMemory);
    app.begin('parcels');
    app.log = new InMemoryEventLog();
    calls = new Calls((entry, tx) => app.shop.write(`${app.name} ${entry}`, tx));
  });
  afterEach(() => app.end());

  it('commits each result once, wherever it is stopped, and says when it may have called before', async () => {
    const crashes = new CrashPoints();
    for (const nth of [1, 4]) crashes.throwAt('called', { nth });
    const parcels = app.ship(4);

    await app.started({ handlers: [calls], reached: crashes.reached });

    expect(await app.notedAtLeast(4)).to.deep.equal(upTo(4));
    await eventually('the last position', async () => ((await app.stored())?.position === 4n ? true : undefined));
    const repeats = calls.made.filter(({ mayBeRepeat }) => mayBeRepeat).map(({ key }) => key);
    expect(repeats).to.deep.equal([parcels[0]!.id, parcels[2]!.id]);
  });

  it('remembers over a restart that it may have called when the database was away for the commit', async () => {
    calls.beforeCommit = () => {
      throw new DatabaseUnavailableError('it was restarted');
    };
    app.ship(1);
    const { consumer } = await app.started({ handlers: [calls], retry: { firstMs: 200, maxMs: 200 } });
    await app.inState('waiting');
    await consumer.stop();
    calls.beforeCommit = () => {};

    await app.started({ handlers: [calls] });

    await app.notedAtLeast(1);
    expect(calls.made.map(({ mayBeRepeat }) => mayBeRepeat)).to.deep.equal([false, true]);
  });

  it('remembers over a restart that a call was cut short', async () => {
    const begun = gate();
    calls.afterCall = (signal) => {
      begun.open();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('cut short'))));
    };
    app.ship(1);
    const { consumer } = await app.started({ handlers: [calls], stopWithinMs: 10 });
    await begun.opened;
    await consumer.stop();
    calls.afterCall = () => {};

    await app.started({ handlers: [calls] });

    await app.notedAtLeast(1);
    expect(calls.made.map(({ mayBeRepeat }) => mayBeRepeat)).to.deep.equal([false, true]);
  });
});
