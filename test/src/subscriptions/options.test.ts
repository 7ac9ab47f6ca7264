import { Consumer, InboxHandler, UnitOfWork } from '@waybill/core';
import type { CallContext, Commit, ConsumerOptions, Message } from '@waybill/core';
import { InMemoryDatabase, InMemoryEventLog, InMemoryReceiver } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { expect } from 'chai';
import { ParcelShipped, Warehouse } from '../receiving/parcels.js';
import { failureOf } from '../shop/failure-of.js';

describe('a consumer refuses, before anything starts,', () => {
  const database = new InMemoryDatabase();
  const unitOfWork = new UnitOfWork({ database, catalogue: [] });
  const warehouse = new Warehouse<InMemoryTx>(async () => {});
  const overLog = { name: 'parcels', receiver: new InMemoryEventLog(), database, unitOfWork, handlers: [warehouse] };
  const overReceiver = { ...overLog, receiver: new InMemoryReceiver() };
  class Caller {
    @InboxHandler(ParcelShipped, { name: 'call-carrier', twoStep: true })
    async call(_message: Message<ParcelShipped>, _context: CallContext): Promise<Commit<InMemoryTx>> {
      return async () => {};
    }
  }
  const caller = new Caller();
  const refusal = async (options: Partial<Record<keyof ConsumerOptions<InMemoryTx>, unknown>>, kind: object = overLog): Promise<string> =>
    (await failureOf('INVALID_OPTIONS', () => new Consumer({ ...kind, ...options } as ConsumerOptions<InMemoryTx>))).message;

  const wrong: readonly [string, Parameters<typeof refusal>[0], object, string][] = [
    ['no name', { name: '' }, overLog, 'Pass { name }'],
    ['a name that is too long', { name: 'n'.repeat(201) }, overLog, 'choose another'],
    ['no source', { receiver: {} }, overLog, 'neither a log'],
    ['no handler', { handlers: [] }, overLog, 'pass instances'],
    ['a lease that cannot be kept', { leaseMs: 5 }, overLog, 'leaseMs is 5'],
    ['a wait that is no number', { silenceMs: Number.NaN }, overLog, 'silenceMs is NaN'],
    ['tries that are none', { retry: { attempts: 0 } }, overLog, 'retry.attempts is 0'],
    ['a start that does not exist', { start: 'end' }, overLog, '"beginning" or "now"'],
    ['concurrency over a log', { concurrency: 4 }, overLog, 'of no use over a log'],
    ['a batch over a receiver', { batchSize: 2 }, overReceiver, 'of no use over a receiver'],
    ['a batch of none', { batchSize: 0 }, overLog, 'from 1 to 1,000'],
    ['a batch of messages that are called for', { batchSize: 2, handlers: [caller] }, overLog, 'a consumer of its own'],
    ['a lease over a receiver', { leaseMs: 1_000 }, overReceiver, 'of no use over a receiver'],
    ['no place for a message', { concurrency: 0 }, overReceiver, 'from 1 to 1,000'],
    ['an unknown policy', { onFailure: 'explode' }, overReceiver, '"retry" or "park"'],
    ['tries that are none, over a receiver', { retry: { attempts: 0 } }, overReceiver, 'retry.attempts is 0'],
  ];
  for (const [what, options, kind, text] of wrong)
    it(what, async () => {
      expect(await refusal(options, kind)).to.contain(text);
    });

  it('orders that only a log can take', async () => {
    const consumer = new Consumer(overReceiver);

    for (const order of [() => consumer.pause(), () => consumer.resume(), () => consumer.skip('1', 'because')])
      await failureOf('INVALID_OPTIONS', order);
  });

  it('orders for a subscription that was never started', async () => {
    const consumer = new Consumer(overLog);

    await failureOf('INVALID_OPTIONS', () => consumer.pause());
    expect(await consumer.status()).to.equal(undefined);
  });
});
