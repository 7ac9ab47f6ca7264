import { expect } from 'chai';
import { Cases, DatabaseUnavailableError, HandlerSink, OutboxHandler, TargetUnavailableError, UnitOfWork } from '@waybill/core';
import type { CallContext, CommitOrCompensate, Commit, Delivery, DeliveryContext, Message, RecordedCase } from '@waybill/core';
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
  const deliver = (handler: object, context: Partial<DeliveryContext> = {}): Promise<Delivery> =>
    new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [handler] }).deliver([placed], aDeliveryContext(context));
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
    expect(await isClaimed(), 'nobody commits what may be taken back').to.equal(true);
  });

  it('is left to the person who has closed its case: the message goes on', async () => {
    compensationFailures = [new Error('502'), new Error('502')];
    await deliver(new WithAWay());
    await new Cases({ database, by: 'ada' }).close((await theCase()).id, 'refunded by hand');

    expect(await deliver(new WithAWay(), { mayBeRepeat: true })).to.deep.equal({ accepted: 1 });

    expect(told).to.deep.equal(['call', 'commit', 'commit', COMPENSATE, COMPENSATE]);
  });

  for (const trouble of ['a target that is away', 'a crash behind it'] as const) {
    it(`is only ever compensated once that has begun, also after ${trouble}`, async () => {
      compensationFailures = [
        trouble === 'a crash behind it' ? new DatabaseUnavailableError('killed') : new TargetUnavailableError('bank', '429'),
      ];
      expect((await deliver(new WithAWay())).failure).to.have.property('code', 'SINK_UNAVAILABLE');
      commitFails = false;

      expect(await deliver(new WithAWay(), { mayBeRepeat: true })).to.deep.equal({ accepted: 1 });

      expect(told).to.deep.equal(['call', 'commit', 'commit', COMPENSATE, 'call', COMPENSATE]);
      expect((await theCase()).closed).to.not.equal(undefined);
    });
  }

  it('is a case for a person where there is no way back, once, however often it fails', async () => {
    const first = await deliver(new WithoutAWay());
    const second = await deliver(new WithoutAWay(), { mayBeRepeat: true, attempt: 2 });

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

    await deliver(new WithoutAWay(), { mayBeRepeat: true });

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

  describe('of a message that is delivered twice at the same time', () => {
    /** Delivers, and lets the other delivery happen before its transaction number `nth`, from 1. */
    const deliverAround = (handler: object, nth: number, other: () => Promise<unknown>): Promise<Delivery> => {
      let begun = 0;
      const interrupted: Pick<UnitOfWork<InMemoryTx>, 'run' | 'join'> = {
        join: (tx, work, options) => unitOfWork.join(tx, work, options),
        run: async (work, options) => {
          if (++begun === nth) await other();
          return unitOfWork.run(work, options);
        },
      };
      const sink = new HandlerSink<InMemoryTx>({ database, unitOfWork: interrupted as UnitOfWork<InMemoryTx>, handlers: [handler] });
      return sink.deliver([placed], aDeliveryContext());
    };

    for (const handler of [new WithAWay(), new WithoutAWay()])
      it(`is neither taken back nor a case where the other has committed (${handler.constructor.name})`, async () => {
        const other = async (): Promise<void> => {
          commitFails = false;
          await deliver(handler);
        };

        expect(await deliverAround(handler, 3, other)).to.deep.equal({ accepted: 1 });

        expect(told).to.deep.equal(['call', 'commit', 'commit', 'call', 'commit', 'committed']);
        expect(await database.cases.find({ most: 10 })).to.deep.equal([]);
      });

    it('is not committed by the one while the other takes it back, and is taken back by both', async () => {
      const other = async (): Promise<void> => {
        compensationFailures = [new TargetUnavailableError('bank', '429')];
        await deliver(new WithAWay());
        commitFails = false;
      };

      expect(await deliverAround(new WithAWay(), 1, other)).to.deep.equal({ accepted: 1 });

      expect(told).to.deep.equal(['call', 'call', 'commit', 'commit', COMPENSATE, COMPENSATE]);
      expect((await theCase()).closed).to.include({ reason: 'its compensation was done' });
    });
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
