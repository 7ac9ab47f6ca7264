import { expect } from 'chai';
import { MessageRejectedError } from '@waybill/core';
import type { AttemptQuery, Delivery, Dispatcher, Logger, MessageQuery, Sink } from '@waybill/core';
import { stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { OrderDesk } from '../shop/order-desk.js';

const A_PAGE = 'x'.repeat(3_000_000);

describe('a sink that no compiler has checked', () => {
  stopDispatchers();

  for (const [answer, told] of [
    [204, '204'],
    [{ status: 204 }, '{"status":204}'],
    [null, 'null'],
  ] as const) {
    it(`may answer what is no text, and its lane goes on: ${told}`, async () => {
      const desk = new OrderDesk();
      const sink: Sink = { deliver: (batch) => Promise.resolve({ accepted: batch.length, answer } as unknown as Delivery) };
      const dispatcher = await desk.started({ sink });
      const { messages } = await desk.note('7', 'a');
      await desk.clock.pass(10);

      expect((await dispatcher.lanes())[0]).to.include({ state: 'running', pending: 0 });
      expect((await dispatcher.attempts({ messageId: messages[0]!.id })).map(({ detail }) => detail)).to.deep.equal([told]);
    });
  }

  for (const onFailure of ['halt', 'park-stream'] as const) {
    it(`may refuse with a whole page, of which the beginning is stored: ${onFailure}`, async () => {
      const desk = new OrderDesk();
      const sink: Sink = {
        deliver: ([{ id, stream, revision }]: readonly [{ id: string; stream: string; revision: bigint }]) =>
          Promise.resolve({ accepted: 0, failure: new MessageRejectedError(id, stream, revision, A_PAGE, { final: true }) }),
      } as unknown as Sink;
      const dispatcher = await desk.started({ sink, onFailure });
      await desk.note('7', 'a');
      await desk.clock.pass(10);

      const failure = (await dispatcher.lanes())[0]!.failure ?? (await dispatcher.stopped('memory'))[0]!.failure;
      expect(failure.error).to.have.length.within(1_000, 11_000);
    });
  }
});

describe('what is asked that makes no sense', () => {
  let dispatcher: Dispatcher<'memory'>;

  beforeEach(() => (dispatcher = new OrderDesk().dispatcher()));
  stopDispatchers();

  const nothing: unknown[] = [{}, { messageId: '' }, { stream: 'a\0' }, { stream: 'a', messageId: 'b' }, { stream: 'a', from: 1 }];
  const odd = [Number.NaN, 0, -1, 1.5, 1e12].map((most) => ({ stream: 'order-7', most }));
  for (const query of [...nothing, ...odd] as MessageQuery[]) {
    it(`is refused alike on every database: ${JSON.stringify(query)}`, async () => {
      await failureOf('INVALID_OPTIONS', () => dispatcher.messages(query));
    });
  }

  it('is refused of tries and of orders, too', async () => {
    await failureOf('INVALID_OPTIONS', () => dispatcher.attempts({} as AttemptQuery));
    await failureOf('INVALID_OPTIONS', () => dispatcher.attempts({ messageId: 'x', most: Number.NaN }));
    await failureOf('INVALID_OPTIONS', () => dispatcher.actions('memory', Number.NaN));
    await failureOf('INVALID_OPTIONS', () => dispatcher.retireRoute('a\0'));
    await failureOf('INVALID_OPTIONS', () => dispatcher.redrive('memory', { stream: 'a\0' }));
  });
});

describe('the log', () => {
  stopDispatchers();

  for (const [onFailure, level] of [
    ['park-stream', 'error'],
    ['halt-stream', 'error'],
    ['discard', 'warn'],
  ] as const) {
    it(`has what a person has to see to, or what is given up, above the rest: ${onFailure}`, async () => {
      const lines: string[] = [];
      const line = (at: string) => (event: object) => void ('attempts' in event && lines.push(at));
      const logger: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
      const desk = new OrderDesk();
      desk.sink.feel(() => 'refuse-for-good');
      await desk.started({ onFailure }, { logger });
      await desk.note('7', 'a');
      await desk.clock.pass(10);

      expect(lines).to.deep.equal([level]);
    });
  }
});
