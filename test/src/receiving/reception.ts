import { ArrivalLog, HandlerSink, InboxHandlers, UnitOfWork } from '@waybill/core';
import type { ArrivedMessage, Database, Dispatcher, Intake, Moment, RouteOptions, Taken, TakeOptions } from '@waybill/core';
import { eventually } from '@waybill/testing';
import type { OpenDatabase, OpenedDatabase } from '../databases/databases.js';
import { aDispatcher, QUICKLY } from '../shop/dispatching.js';
import { orderEvents } from '../shop/order.js';
import { ParcelShipped } from './parcels.js';

/** The two ways in. */
export type Way = 'now' | 'later';
export const WAYS: readonly Way[] = ['now', 'later'];

export interface IntakeOptions {
  readonly name: string;
  readonly inOrder?: boolean;
  readonly start?: 'beginning' | 'now';
  readonly reached?: (moment: Moment) => void;
}

/** An application that messages arrive at: its own database, and an arrival log beside it. */
export class Reception<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>;

  private constructor(
    readonly shop: OpenedDatabase<Tx>,
    readonly log: Database<Tx>,
  ) {
    this.unitOfWork = new UnitOfWork({ database: shop.database, catalogue: orderEvents });
  }

  static async open<Tx>(open: OpenDatabase<Tx>): Promise<Reception<Tx>> {
    const shop = await open();
    return new Reception(shop, await shop.arrivalLog());
  }

  close(): Promise<void> {
    return this.shop.close();
  }

  now(handlers: readonly object[], options: IntakeOptions): InboxHandlers<Tx> {
    return new InboxHandlers<Tx>({ database: this.shop.database, unitOfWork: this.unitOfWork, handlers, ...options });
  }

  later(options: IntakeOptions): ArrivalLog<Tx> {
    return new ArrivalLog<Tx>({ database: this.log, catalogue: [ParcelShipped], ...options });
  }

  /** Takes by one way; where that is the later one, a dispatcher handles what is accepted. */
  async by(way: Way, handlers: readonly object[], options: IntakeOptions): Promise<Intake> {
    if (way === 'now') return this.now(handlers, options);
    await this.dispatcher(options.name, handlers).start();
    return this.later(options);
  }

  /** One over the log, for streams whose names begin with the route's. */
  dispatcher(
    route: string,
    handlers: readonly object[],
    { reached, ...options }: Partial<RouteOptions> & { readonly reached?: (moment: Moment) => void } = {},
  ): Dispatcher {
    const { database } = this.shop;
    const sink = new HandlerSink<Tx>({ kind: 'inbox', database, unitOfWork: this.unitOfWork, handlers, ...(reached && { reached }) });
    const retry = { ...QUICKLY, attempts: 3 };
    return aDispatcher({
      ...{ database: this.log, catalogue: [ParcelShipped], ...(reached && { reached }) },
      routes: { [route]: { sink, streams: [route], start: 'beginning', retry, ...options } },
    });
  }

  /** What handlers wrote about streams whose names begin so. */
  async written(prefix: string): Promise<readonly string[]> {
    return (await this.shop.written()).filter((entry) => entry.startsWith(prefix));
  }

  /** The same, once there are so many. */
  async writtenOnce(prefix: string, count: number): Promise<readonly string[]> {
    return eventually(`${count} entries about "${prefix}"`, async () => {
      const entries = await this.written(prefix);
      return entries.length >= count ? entries : undefined;
    });
  }

  /** What the log keeps of a stream. */
  async kept(stream: string): Promise<Awaited<ReturnType<Database<Tx>['outbox']['headAndTail']>>['tail']> {
    const { tail } = await this.log.transactions.run((tx) => this.log.outbox.headAndTail(stream, 0n, tx));
    return tail;
  }
}

export const take = (intake: Intake, message: ArrivedMessage, options: Partial<TakeOptions> = {}): Promise<Taken> =>
  intake.take(message, { signal: new AbortController().signal, ...options });

/** Throws at a moment, so many times. */
export function crash(at: Moment, times = 1): (moment: Moment) => void {
  let left = times;
  return (moment) => {
    if (moment === at && left-- > 0) throw new Error(`crash at ${at}`);
  };
}
