import { expect } from 'chai';
import type { DomainEvent, StepAnswer } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import fc from 'fast-check';
import { ManualClock } from '../shop/manual-clock.js';
import { Desk } from './desk.js';
import {
  Cancelled,
  fulfilmentOf,
  PaymentDeclined,
  PaymentTaken,
  Placed,
  Shipped,
  ShippingFailed,
  StockReleased,
  StockReserved,
} from './fulfilment.js';

const RUNS = 60;
const orderId = '7';

/** What the services have truly done, whatever they tell, when, and how often. */
class Services {
  readonly done: Record<string, number> = {};
  /** Told, but not heard yet. */
  readonly onTheirWay: DomainEvent[] = [Placed({ orderId, totalCents: 4_200 })];
  #handled = 0;
  #payment: StepAnswer = 'pending';

  constructor(private readonly choose: (among: number) => number) {}

  readonly askPayment = async (): Promise<StepAnswer> => this.#payment;

  /** Carries out the next command. @returns false when there is none */
  handleNext(sent: readonly string[]): boolean {
    const command = sent[this.#handled];
    if (command === undefined) return false;
    this.#handled++;
    const works = this.choose(4) > 0;
    if (command === 'ReserveStock') this.#do(command, StockReserved({ orderId }));
    if (command === 'ReleaseStock') this.#do(command, StockReleased({ orderId }));
    if (command === 'RefundCard') this.#do(command);
    if (command === 'ShipOrder') works ? this.#do(command, Shipped({ orderId })) : this.#tell(ShippingFailed({ orderId }));
    if (command === 'ChargeCard') {
      this.#payment = works ? 'completed' : 'failed';
      if (works)
        this.#do(command, ...(this.choose(3) > 0 ? [PaymentTaken({ orderId })] : [])); // or it is silent about it
      else this.#tell(PaymentDeclined({ orderId, reason: 'no money' }));
    }
    return true;
  }

  #do(command: string, ...told: readonly DomainEvent[]): void {
    this.done[command] = (this.done[command] ?? 0) + 1;
    for (const event of told) this.#tell(event);
  }

  /** Sometimes twice. */
  #tell(event: DomainEvent): void {
    this.onTheirWay.push(event);
    if (this.choose(4) === 0) this.onTheirWay.push(event);
  }
}

async function play(choices: readonly number[], confirmed: boolean): Promise<void> {
  let used = 0;
  const choose = (among: number): number => (choices[used++ % choices.length] ?? 0) % among;
  const clock = new ManualClock();
  const services = new Services(choose);
  const database = new InMemoryDatabase({ lanes: 1, clock });
  const { askPayment } = services;
  const desk = new Desk<InMemoryTx>({
    database,
    clock,
    pollMs: 20_000,
    process: fulfilmentOf({ confirmed, askPayment, statusAttempts: 3 }),
  });
  const deliverOne = async (): Promise<void> => {
    const [event] = services.onTheirWay.splice(choose(services.onTheirWay.length), 1);
    await desk.tell(event!);
  };

  await desk.managers.start();
  await deliverOne();
  for (let act = 0; act < choices.length; act++) {
    const kind = choose(8);
    if (kind === 0) await clock.pass(120_000);
    else if (kind === 1 && choose(3) === 0) services.onTheirWay.push(Cancelled({ orderId }));
    else if (kind < 5) services.handleNext(await desk.sent(orderId));
    else if (services.onTheirWay.length > 0) await deliverOne();
  }
  // The storm is over: everything is carried out and told, and people settle by what is true what nobody could find out.
  for (let quiet = 0; quiet < 3; quiet++) {
    while (services.handleNext(await desk.sent(orderId))) quiet = 0;
    while (services.onTheirWay.length > 0) await deliverOne();
    await clock.pass(400_000);
    for (const { steps } of await desk.managers.stuck())
      for (const { step } of steps.filter(({ state }) => state === 'stuck')) {
        const as =
          step === 'payment' ? ((await askPayment()) as 'completed' | 'failed') : step === 'shipment' ? 'completed' : 'compensated';
        if (step === 'payment' && (await askPayment()) === 'pending') continue;
        await desk.managers.settle({ process: 'fulfilment', key: orderId, step }, as, { by: 'ada', reason: 'looked it up' });
      }
  }
  await desk.managers.stop();

  const { ChargeCard = 0, RefundCard = 0, ReserveStock = 0, ReleaseStock = 0, ShipOrder = 0 } = services.done;
  const state = await desk.look(orderId);
  const isDone = state.startsWith('completed') ? 1 : 0;
  expect(state).to.match(/^(completed|compensated): /);
  expect({ money: ChargeCard - RefundCard, stock: ReserveStock - ReleaseStock }, state).to.deep.equal({ money: isDone, stock: isDone });
  expect(ShipOrder, state).to.be.at.least(isDone);
}

describe('the books of a process', () => {
  for (const confirmed of [false, true])
    it(`balance after any storm${confirmed ? ', also where compensations are confirmed' : ''}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(1_000), { minLength: 5, maxLength: 40 }), (choices) => play(choices, confirmed)),
        { numRuns: RUNS },
      );
    }).timeout(30_000);
});
