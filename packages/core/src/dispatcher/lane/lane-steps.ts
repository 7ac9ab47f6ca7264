import { setMaxListeners } from 'node:events';
import { isWaybillError } from '../../errors.js';
import { named } from '../dispatcher-events.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import { FailureJudge } from '../failure/failure-judge.js';
import { LaneDelivery } from './lane-delivery.js';
import type { LaneOptions } from './lane-options.js';
import { LaneOrders } from './lane-orders.js';
import { LanePages } from './lane-pages.js';
import { LanePatience } from './lane-patience.js';
import { LaneRecord } from './lane-record.js';
import { LaneTails } from './lane-tails.js';
import type { TailStep } from './lane-tails.js';

/**
 * What one step did, and when the next one is due: at once; when woken, and `wakeMs` from now at the latest; `waitMs` from now, whatever
 * is committed until then; or never.
 */
export interface Step {
  readonly events: readonly DispatcherEvent[];
  readonly next: 'more' | 'over' | { readonly wakeMs: number | undefined } | { readonly waitMs: number };
}

/**
 * The work of a lane, one step at a time: read a batch, deliver it, settle it.
 *
 *     running --message refused--> waiting --tries used up--> halted
 *        ^----------next try worked--'  '-----resume, skip-----'
 *
 * With a policy that stops streams alone, the lane goes on running and the message's stream waits instead. A sink's outage waits too, but
 * uses up no tries. Every change of state is stored in the settlement, fenced by the lease.
 */
export class LaneSteps {
  readonly #options: LaneOptions;
  readonly #record: LaneRecord;
  readonly #patience: LanePatience;
  readonly #pages: LanePages;
  readonly #tails: LaneTails;
  readonly #orders: LaneOrders;
  #isTailsTurn = false;

  constructor(options: LaneOptions) {
    const { progress, clock, random, hold, cut, route, health } = options;
    const signal = AbortSignal.any([hold.signal, cut]);
    setMaxListeners(0, signal); // a sink may listen once for every message in flight
    this.#options = options;
    const record = (this.#record = new LaneRecord(options));
    const patience = (this.#patience = new LanePatience(route, health, clock, random));
    const delivery = new LaneDelivery(options, signal, record.delivered);
    const judge = new FailureJudge(route, health);
    this.#pages = new LanePages({ ...options, record, delivery, judge, patience });
    this.#tails = new LaneTails(options, record, delivery, judge);
    this.#orders = new LaneOrders(options, record, delivery);
    if (progress.failure) patience.takeOver(progress.failure);
  }

  /**
   * Never rejects: what goes wrong becomes an event and a wait.
   *
   * @param attend - look for orders of operators first
   */
  async step(attend: boolean): Promise<Step> {
    const { hold, health } = this.#options;
    const events: DispatcherEvent[] = [];
    try {
      if (!hold.held()) return this.#over();
      events.push(...(await this.#record.refresh()));
      await this.#carryOutOrders(attend, events);
      if (this.#record.state === 'halted') return { events, next: { wakeMs: undefined } };
      const waitMs = this.#patience.waitMs();
      if (waitMs > 0) return { events, next: { waitMs } };
      const done = await this.#deliverNext();
      return done.next === 'over' ? this.#over() : { ...done, events: [...events, ...done.events] };
    } catch (error) {
      this.#pages.forget();
      if (isWaybillError(error, 'LEASE_LOST')) hold.lose();
      if (hold.signal.aborted) return this.#over();
      const waitMs = this.#patience.after('trouble'); // wake-ups do not shorten it
      return { events: [...events, { name: 'trouble', event: { ...this.#place, doing: 'running a lane', error } }], next: { waitMs } };
    } finally {
      health.leave(hold.lease.lane);
    }
  }

  /** Stores what was delivered and is not stored yet, and the place reached, where rows were passed that the route does not select. */
  async finish(): Promise<readonly DispatcherEvent[]> {
    const { hold } = this.#options;
    const events = hold.isUnsettled && hold.held() ? await this.#record.refresh() : [];
    await this.#pages.finish();
    return events;
  }

  get #place(): { readonly route: string; readonly lane: number } {
    return { route: this.#options.route.name, lane: this.#options.hold.lease.lane };
  }

  #over(): Step {
    return { events: [{ name: 'lease-lost', event: { ...this.#place, epoch: this.#options.hold.lease.epoch } }], next: 'over' };
  }

  async #carryOutOrders(attend: boolean, events: DispatcherEvent[]): Promise<void> {
    const { state } = this.#record;
    const ended: DispatcherEvent[] = [];
    try {
      await this.#orders.answer(ended);
      if (attend) await this.#orders.attend(ended);
    } finally {
      events.push(...ended);
    }
    if (ended.length > 0) this.#pages.forget();
    if (this.#record.suspects === 0) this.#pages.trust();
    for (const { name, event } of ended) if (name === 'resumed' && event.stream !== undefined) this.#tails.trust(event.stream);
    if (state !== 'running' && this.#record.state === 'running') this.#patience.reset();
  }

  /** Tails and the lane's own messages take turns: neither waits for the other to end. */
  async #deliverNext(): Promise<Step> {
    const tail = this.#tails.due();
    this.#isTailsTurn = tail !== undefined && !this.#isTailsTurn;
    if (tail && this.#isTailsTurn) return this.#afterTail(await this.#tails.deliver(tail));
    const { events, next } = await this.#pages.deliver();
    if (next !== 'drained') return { events, next };
    const wakeMs = this.#tails.nextDueMs();
    return { events, next: wakeMs === 0 ? 'more' : { wakeMs } };
  }

  #afterTail({ events, outage, gateMs }: TailStep): Step {
    if (gateMs !== undefined) return { events, next: { waitMs: gateMs } };
    if (!outage) return { events, next: 'more' };
    const { row, error, attempts } = outage;
    const waitMs = this.#patience.after('outage', { error });
    return {
      events: [...events, { name: 'waiting', event: { ...this.#place, message: named(row), error, attempts, waitMs, stops: 'stream' } }],
      next: { waitMs },
    };
  }
}
