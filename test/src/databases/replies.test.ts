import { expect } from 'chai';
import { UnitOfWork } from '@waybill/core';
import type { Dispatcher, Reached, Receipt } from '@waybill/core';
import { CrashPoints } from '@waybill/testing';
import { Answered, answeredEvents, AnsweringSink } from '../shop/answering-sink.js';
import { aDispatcher, QUICKLY, stopDispatchers } from '../shop/dispatching.js';
import { placeOf } from '../shop/moody-sink.js';
import { Order } from '../shop/order.js';
import { onEveryDatabase } from './databases.js';
import type { OpenDatabase, OpenedDatabase } from './databases.js';

const ORDERS = 12;
const KEYS = 3;
const NOTES = 3;

onEveryDatabase('answers that become messages', <Tx>(open: OpenDatabase<Tx>) => {
  let shop: OpenedDatabase<Tx>;
  let unitOfWork: UnitOfWork<Tx>;
  before(async () => {
    shop = await open();
    unitOfWork = new UnitOfWork({ database: shop.database, catalogue: answeredEvents });
  });
  stopDispatchers();
  after(() => shop.close());

  /** One route, and streams of its own, a test: they share the database. */
  let route = '';
  beforeEach(function () {
    route = this.currentTest!.title.replaceAll(' ', '-');
  });
  const note = (id: string, ...texts: readonly string[]): Promise<Receipt> =>
    unitOfWork.run(async ({ find, track }) => ((await find(Order, id)) ?? track(new Order(id))).note(...texts));
  const dispatcherTo = (sink: AnsweringSink, instance: string, reached?: Reached): Dispatcher =>
    aDispatcher({
      ...{ database: shop.database, catalogue: answeredEvents, instance, ...(reached && { reached }) },
      routes: { [route]: { sink, streams: [`order-${route}`], start: 'beginning', retry: QUICKLY } },
    });
  /** What was answered, in the order of the stream, which has no hole. */
  const answersIn = async (key: string): Promise<readonly string[]> => {
    const { tail } = await shop.database.transactions.run((tx) => shop.database.outbox.headAndTail(`key-${key}`, 0n, tx));
    expect(tail.map(({ revision }) => revision)).to.deep.equal(tail.map((_, nth) => BigInt(nth)));
    return tail.map(({ payload }) => (JSON.parse(payload) as { to: string }).to);
  };
  const answering = (keyOf: (nth: number) => string): AnsweringSink => {
    const sink = new AnsweringSink();
    sink.answer((batch) =>
      batch.map((message, to) => ({ to, orderingKey: keyOf(to), message: Answered({ to: placeOf(message), nth: 1 }) })),
    );
    return sink;
  };

  for (const moment of ['delivered', 'settled'] as const) {
    it(`are there once after a crash at "${moment}"`, async () => {
      const crash = new CrashPoints();
      crash.throwAt(moment);
      const receipt = await note(route, 'a', 'b');
      const dispatcher = dispatcherTo(
        answering(() => route),
        'crashing',
        crash.reached,
      );

      await dispatcher.start();
      await dispatcher.delivered(receipt, route, { timeoutMs: 10_000 });

      expect(await answersIn(route)).to.deep.equal([`${route}@0`, `${route}@1`]);
    });
  }

  it('are each there once, and those to one stream in its order, beside commits to the same keys', async () => {
    const keyOf = (nth: number): string => `${route}-${nth % KEYS}`;
    const ids = Array.from({ length: ORDERS }, (_, nth) => `${route}-${nth}`);
    const dispatchers = ['one', 'two'].map((instance) => dispatcherTo(answering(keyOf), instance));
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.start()));
    const receipts: Receipt[] = [];
    const write = async (nth: number): Promise<void> => {
      for (let round = 0; round < NOTES; round++) {
        for (const id of ids.filter((_, index) => index % 4 === nth)) receipts.push(await note(id, `${round}`));
        await unitOfWork.run(async ({ append }) => append(keyOf(round), Answered({ to: 'nobody', nth: 1 })), { retryOnConflict: 20 });
      }
    };

    await Promise.all([0, 1, 2, 3].map(write));
    for (const receipt of receipts) await dispatchers[0]!.delivered(receipt, route, { timeoutMs: 20_000 });

    const answers = (await Promise.all([0, 1, 2].map((nth) => answersIn(keyOf(nth))))).map((all) => all.filter((to) => to !== 'nobody'));
    expect(answers.flat().sort()).to.deep.equal(ids.flatMap((id) => Array.from({ length: NOTES }, (_, nth) => `${id}@${nth}`)).sort());
    for (const id of ids) {
      for (const inKey of answers) {
        const own = inKey.filter((to) => to.startsWith(`${id}@`));
        expect(own).to.deep.equal([...own].sort());
      }
    }
  });

  it('come with what was delivered before, also in the next process', async () => {
    const [first, second] = [answering(() => route), answering(() => route)];
    const dispatcher = dispatcherTo(first, 'first');
    await dispatcher.start();
    await dispatcher.delivered(await note(route, 'a', 'b'), route, { timeoutMs: 10_000 });
    await dispatcher.stop();

    const next = dispatcherTo(second, 'second');
    await next.start();
    await next.delivered(await note(route, 'c'), route, { timeoutMs: 10_000 });

    expect(first.told).to.deep.equal([`${route}@0 after nothing`, `${route}@1 after 0`]);
    expect(second.told).to.deep.equal([`${route}@2 after 1`]);
  });
});
