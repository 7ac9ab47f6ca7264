import type { Moment } from '@waybill/core';
import type { Screen } from '@waybill/example-flights/screen';
import { setTimeout as delay } from 'node:timers/promises';
import type { Death } from './child-orders.js';
import type { ServiceHost } from './service-host.js';
import type { Stage } from './stage.js';

/** Where a process is killed, what that means, and about how often it gets there for an order. */
type Deaths = Readonly<Partial<Record<Moment, { readonly means: string; readonly anOrder: number }>>>;

const SHOP_DIES_AT: Deaths = {
  called: { means: 'the payment service has answered, and nothing of that is committed', anOrder: 1 },
  claimed: { means: 'in the middle of a transaction, behind its claim', anOrder: 4 },
  handled: { means: 'a handler is through, and not committed', anOrder: 4 },
  appended: { means: 'everything is written, and not committed', anOrder: 4 },
  committed: { means: 'it is committed, and nobody has heard of it', anOrder: 4 },
  delivered: { means: 'something is delivered, and not recorded as that', anOrder: 3 },
};
const SHIPPING_DIES_AT: Deaths = {
  handled: { means: 'the label is written, and not committed', anOrder: 1 },
  committed: { means: 'it is committed, and nobody has heard of it', anOrder: 1 },
  delivered: { means: 'something is delivered, and not recorded as that', anOrder: 0.5 },
};
const [SHOPS_DEATHS, SHIPPINGS_DEATHS] = [3, 2];

export interface TroubleOptions {
  readonly stage: Stage;
  readonly orders: number;
  readonly random: () => number;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** Runs the shop and the shipping service, which die at random moments, and are started again at once. */
export async function startMortals(options: TroubleOptions): Promise<void> {
  const { shop, shipping } = options.stage;
  await new Mortal('the shop', shop, SHOP_DIES_AT, options).live(SHOPS_DEATHS);
  await new Mortal('the shipping service', shipping, SHIPPING_DIES_AT, options).live(SHIPPINGS_DEATHS);
}

class Mortal<Order extends { readonly death?: Death }> {
  /** At which it has not died yet. */
  readonly #moments: Moment[];

  constructor(
    private readonly name: string,
    private readonly host: ServiceHost<Order>,
    private readonly deaths: Deaths,
    private readonly options: TroubleOptions,
  ) {
    this.#moments = Object.keys(deaths) as Moment[];
  }

  /** Resolves when its first process works; the last one does not die. */
  async live(deathsLeft: number): Promise<void> {
    const { host, name } = this;
    const { signal, screen } = this.options;
    const death = deathsLeft > 0 ? this.#death() : undefined;
    host.events.once('died', (how) => {
      if (signal.aborted) return;
      const at = death && how === 'SIGKILL' ? `at "${death.moment}": ${this.deaths[death.moment]?.means}` : `(${how})`;
      screen.print(`  ✗ ${name} (process ${host.pid}) dies ${at}.`);
      this.live(deathsLeft - 1).catch((error: unknown) => screen.print(`  ! ${name} does not start: ${String(error)}`));
    });
    await host.start(death && ({ death } as Partial<Order>));
  }

  #death(): Death {
    const { random, orders } = this.options;
    const [moment] = this.#moments.splice(Math.floor(random() * this.#moments.length), 1) as [Moment];
    const most = (orders * this.deaths[moment]!.anOrder) / 4;
    return { moment, nth: 1 + Math.floor(most * (0.5 + random() / 2)) };
  }
}

const SILENT_MS = 2_000;
const DOWN_MS = 11_000; // longer than a customer has to pay: some will be charged too late
const DECLINING_MS = 1_000;

/** What happens to the payment service, one after the other. `reached` resolves when this share of the orders is placed. */
export async function vexPayments({ stage, screen, signal }: TroubleOptions, reached: (share: number) => Promise<void>): Promise<void> {
  await reached(0.2);
  screen.print('  ✗ The payment service does what it is asked to, and does not answer any more.');
  await stage.paymentMood('silent');
  await delay(SILENT_MS, undefined, { signal });
  await stage.paymentMood('well');
  screen.print('  ✓ It answers again.');

  await reached(0.45);
  screen.print(`  ✗ The payment service (process ${stage.payment.pid}) is killed.`);
  await stage.payment.kill();
  await delay(DOWN_MS, undefined, { signal });
  await stage.startPayment();
  screen.print(
    `  ✓ It is back (process ${stage.payment.pid}), ${DOWN_MS / 1_000} s later: too late for some, who are charged, and get their money back.`,
  );

  await reached(0.8);
  screen.print('  ✗ The payment service declines every card.');
  await stage.paymentMood('declining');
  await delay(DECLINING_MS, undefined, { signal });
  await stage.paymentMood('well');
  screen.print('  ✓ It takes good cards again.');
}
