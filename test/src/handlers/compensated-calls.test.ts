import { expect } from 'chai';
import { DatabaseUnavailableError, HandlerSink, OutboxHandler, TargetUnavailableError, UnitOfWork } from '@waybill/core';
import type { CallContext, CommitOrCompensate, Commit, Delivery, DeliveryContext, Message, Moment, RecordedCase } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDeliveryContext } from '@waybill/testing';
import { orderEvents, OrderPlaced } from '../shop/order.js';
import { decoratorMode } from './decorator-mode.js';
import { orderMessage } from './order-message.js';

const retry = { attempts: 2, firstMs: 1, maxMs: 1 };

describe(`a call that worked, of which the commit fails for good (${decoratorMode} decorators)`, () => {
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;
  let told: string[];
  let commitFails: boolean;
  let compensationFailures: unknown[];

  beforeEach(() => {
    database = new InMemoryDatabase();
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    told = [];
    commitFails = true;
    compensationFailures = [];
  });

  const placed = orderMessage(OrderPlaced({ customerId: 'c-1', totalCents: 1 }));
  const commit: Commit<InMemoryTx> = async ({ tx }) => {
    told.push('commit');
    tx.onCommit(() => told.push('committed'));
    if (commitFails) throw new Error('no such column');
  };

  class WithoutAWay {
    @OutboxHandler(OrderPlaced, { name: 'charge', twoStep: true, retry })
    async on(_message: Message<OrderPlaced>, _call: CallContext): Promise<Commit<InMemoryTx>> {
      told.push('call');
      return commit;
    }
  }
  class WithAWay {
    @OutboxHandler(OrderPlaced, { name: 'charge', twoStep: true, retry })
    async on({ id }: Message<OrderPlaced>, _call: CallContext): Promise<CommitOrCompensate<InMemoryTx>> {
      told.push('call');
      return {
        commit,
        compensate: async ({ handler }) => {
          told.push(`compensate ${handler} ${id === placed.id ? 'by the id' : ''}`);
          if (compensationFailures.length > 0) throw compensationFailures.shift();
        },
      };
    }
  }
  const COMPENSATE = 'compensate charge by the id';
  const deliver = (handler: object, reached?: (moment: Moment) => void, context: Partial<DeliveryContext> = {}): Promise<Delivery> =>
    new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [handler], ...(reached && { reached }) }).deliver(
      [placed],
      aDeliveryContext(context),
    );
  const theCase = async (): Promise<RecordedCase> => {
    const [found, ...others] = await database.cases.find({ most: 10 });
    expect(others).to.deep.equal([]);
    return found!;
  };
  const isClaimed = (): Promise<boolean> => database.inbox.claimed('charge', placed.id);

  it('is compensated, and the message counts as handled: nothing calls for it again', async () => {
    expect(await deliver(new WithAWay())).to.deep.equal({ accepted: 1 });
    expect(await deliver(new WithAWay())).to.deep.equal({ accepted: 1 });

    expect(told).to.deep.equal(['call', 'commit', 'commit', COMPENSATE]);
    expect(await isClaimed()).to.equal(true);
    expect((await theCase()).closed).to.include({ by: 'handler charge', reason: 'its compensation was done' });
  });

  it('is compensated by more tries than one', async () => {
    compensationFailures = [new Error('502')];

    expect((await deliver(new WithAWay())).accepted).to.equal(1);

    expect(told.slice(-2)).to.deep.equal([COMPENSATE, COMPENSATE]);
  });

  it('is a case for a person when its compensation fails as well, and the message fails in doubt', async () => {
    compensationFailures = [new Error('502'), new Error('502')];

    const { accepted, failure, inDoubt } = await deliver(new WithAWay());

    expect([accepted, failure!.code, inDoubt]).to.deep.equal([0, 'MESSAGE_REJECTED', true]);
    expect(failure!.message).to.include('handler "charge" failed after its call: 502');
    expect(await theCase()).to.include({ kind: 'call-not-committed', of: 'charge', closed: undefined });
    expect(await isClaimed()).to.equal(false);
  });

  for (const trouble of ['a target that is away', 'a crash before the claim'] as const) {
    it(`is only ever compensated once that has begun, also after ${trouble}`, async () => {
      compensationFailures = trouble === 'a target that is away' ? [new TargetUnavailableError('bank', '429')] : [];
      let claims = 0;
      const crash = (moment: Moment): void => {
        if (moment === 'claimed' && ++claims === 3 && trouble === 'a crash before the claim') throw new DatabaseUnavailableError('killed');
      };
      expect((await deliver(new WithAWay(), crash)).failure).to.have.property('code', 'SINK_UNAVAILABLE');
      commitFails = false;

      expect(await deliver(new WithAWay(), undefined, { mayBeRepeat: true })).to.deep.equal({ accepted: 1 });

      expect(told).to.deep.equal(['call', 'commit', 'commit', COMPENSATE, 'call', COMPENSATE]);
      expect((await theCase()).closed).to.not.equal(undefined);
    });
  }

  it('is a case for a person where there is no way back, once, however often it fails', async () => {
    const first = await deliver(new WithoutAWay());
    const second = await deliver(new WithoutAWay(), undefined, { mayBeRepeat: true, attempt: 2 });

    expect([first.failure!.code, first.inDoubt]).to.deep.equal(['MESSAGE_REJECTED', true]);
    expect(second.failure!.message).to.include('handler "charge" failed after its call: no such column');
    expect(await theCase()).to.deep.include({
      ...{ kind: 'call-not-committed', of: 'charge', closed: undefined, correlationId: placed.metadata.correlationId },
      message: { id: placed.id, type: 'OrderPlaced', stream: placed.stream, revision: placed.revision },
    });
    expect((await theCase()).detail)
      .to.include('no such column')
      .and.to.include('take it back by hand and skip the message');
  });

  it('closes its case by itself when a later try commits', async () => {
    await deliver(new WithoutAWay());
    commitFails = false;

    await deliver(new WithoutAWay(), undefined, { mayBeRepeat: true });

    expect(told.at(-1)).to.equal('committed');
    expect((await theCase()).closed).to.include({ by: 'handler charge', reason: 'a later try has committed it' });
  });

  it('comes again, as with a database that is away, where its case cannot be recorded', async () => {
    const forgetful = Object.assign(Object.create(database) as InMemoryDatabase, {
      cases: { open: () => Promise.reject(new Error('disk full')), close: async () => false, find: async () => [] },
    });
    const sink = new HandlerSink<InMemoryTx>({ database: forgetful, unitOfWork, handlers: [new WithAWay()] });

    const { accepted, failure, inDoubt } = await sink.deliver([placed], aDeliveryContext());

    expect([accepted, failure!.code, inDoubt]).to.deep.equal([0, 'SINK_UNAVAILABLE', true]);
    expect(failure!.message).to.include('disk full').and.to.include('no such column');
    expect(told, 'nothing is compensated before it is written down').to.deep.equal(['call', 'commit', 'commit']);
  });

  it('is one open case, of the call, also where the handler discards the message', async () => {
    class Discarding {
      @OutboxHandler(OrderPlaced, { name: 'charge', twoStep: true, retry, onFailure: 'discard' })
      async on(_message: Message<OrderPlaced>, _call: CallContext): Promise<Commit<InMemoryTx>> {
        return commit;
      }
    }

    expect(await deliver(new Discarding())).to.deep.equal({ accepted: 1 });

    expect(await theCase()).to.include({ kind: 'call-not-committed', closed: undefined });
    expect(await isClaimed()).to.equal(true);
  });
});
