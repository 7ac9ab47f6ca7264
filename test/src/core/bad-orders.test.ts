import { expect } from 'chai';
import type { Dispatcher } from '@waybill/core';
import { stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';

const nowhere = 'nowhere' as 'memory';

describe('an order that makes no sense', () => {
  let desk: OrderDesk;
  let dispatcher: Dispatcher<'memory'>;

  beforeEach(async () => {
    desk = new OrderDesk();
    desk.sink.feel((message) => (says('bad')(message) ? 'refuse-for-good' : 'accept'));
    dispatcher = await desk.started({ onFailure: 'park-stream' });
    await desk.note('poor', 'bad');
    await desk.note('other', 'a');
    await desk.clock.pass(10);
    expect(await dispatcher.stopped('memory')).to.have.length(1);
  });
  stopDispatchers();

  /** What it is refused with. Nothing is ordered. */
  const refused = async (act: () => unknown): Promise<string> => {
    const { message } = await failureOf('INVALID_OPTIONS', act);
    expect(await desk.database.actions.recorded('memory', 10)).to.deep.equal([]);
    return message;
  };

  for (const [what, choice] of [
    ['nothing', undefined],
    ['null', null],
    ['an object that names nothing', {}],
    ['a stream that is not known', { stream: undefined }],
    ['a stream without a name', { stream: '' }],
    ['a code that is not known', { code: undefined }],
    ['a code without a name', { code: '' }],
    ['streams of which one has no name', { streams: ['order-poor', ''] }],
    ['streams that are none', { streams: 'order-poor' }],
    ['a stream and a code', { stream: 'order-poor', code: 'MESSAGE_REJECTED' }],
    ['every', 'every'],
  ] as const) {
    for (const dryRun of [false, true]) {
      it(`redrives ${what}${dryRun ? ', in a dry run' : ''}: it is not taken for all`, async () => {
        expect(await refused(() => dispatcher.redrive('memory', choice as never, { dryRun }))).to.include(
          'Which streams to redrive must be said',
        );
      });
    }
  }

  it('redrives streams of which one is not stopped: none of them is', async () => {
    const streams = ['order-poor', 'order-other'];

    expect(await refused(() => dispatcher.redrive('memory', { streams }))).to.include('Not stopped at route "memory": "order-other"');
  });

  for (const reason of ['', '  ', undefined, 7]) {
    it(`skips with the reason ${JSON.stringify(reason)}`, async () => {
      const [stop] = await dispatcher.stopped('memory');

      expect(await refused(() => dispatcher.skip('memory', stop!.failure.messageId, reason as string))).to.include('A skip needs a reason');
    });
  }

  it('skips a message at which nothing stands', async () => {
    expect(await refused(() => dispatcher.skip('memory', 'nobody', 'because'))).to.include('only such a message can be skipped');
  });

  it('resumes what is parked, or another lane than there is', async () => {
    expect(await refused(() => dispatcher.resume('memory'))).to.include('there is nothing to resume');
    await refused(() => dispatcher.resume('memory', 7));
  });

  it('names a route that there is not', async () => {
    for (const act of [
      () => dispatcher.resume(nowhere),
      () => dispatcher.skip(nowhere, 'id', 'because'),
      () => dispatcher.redrive(nowhere, 'all'),
      () => dispatcher.stopped(nowhere),
      () => dispatcher.delivered({ messages: [] } as never, nowhere),
    ])
      expect(await refused(act)).to.include('There is no route "nowhere" here; there are "memory"');
  });

  it('waits for so many milliseconds as are no number', async () => {
    const receipt = await desk.note('other', 'b');

    expect(await refused(() => dispatcher.delivered(receipt, 'memory', { timeoutMs: NaN }))).to.include('timeoutMs is not a number');
  });
});
