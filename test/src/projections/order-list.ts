import { Projection, ProjectionHandler, Projections, projectorOf } from '@waybill/core';
import type {
  ArrivedMessage,
  EventLog,
  GenerationContext,
  Message,
  ProjectionContext,
  ProjectionsOptions,
  ProjectionStatus,
} from '@waybill/core';
import { InMemoryEventLog } from '@waybill/core/in-memory';
import { anArrivedMessage, eventually } from '@waybill/testing';
import type { OpenedDatabase } from '../databases/databases.js';
import { orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';

/** Writes what it sees, and of which generation it is, into the diary. */
@Projection({ name: 'order-list' })
export class OrderList<Tx> {
  /** What it has written, rolled back or not. */
  readonly seen: string[] = [];
  /** Called behind each write of an event. */
  before: (entry: string, context: ProjectionContext<Tx>) => unknown = () => {};

  /** Called before tables are made. */
  beforePrepare: () => unknown = () => {};
  /** Called behind the write of a switch. */
  whenActivated: () => unknown = () => {};
  /** Called behind the write of an end. */
  whenRetired: () => unknown = () => {};

  constructor(private readonly write: (entry: string, tx: Tx) => Promise<void>) {}

  @ProjectionHandler([OrderPlaced, OrderNoted])
  async onOrder({ stream, revision }: Message<OrderPlaced | OrderNoted>, context: ProjectionContext<Tx>): Promise<void> {
    const entry = `#${context.generation} ${stream}@${revision}`;
    this.seen.push(entry);
    await this.write(entry, context.tx);
    await this.before(entry, context);
  }

  async prepare({ tx, generation }: GenerationContext<Tx>): Promise<void> {
    await this.beforePrepare();
    await this.write(`#${generation} prepared`, tx);
  }

  async activate({ tx, generation }: GenerationContext<Tx>): Promise<void> {
    await this.write(`#${generation} activated`, tx);
    await this.whenActivated();
  }

  async retire({ tx, generation }: GenerationContext<Tx>): Promise<void> {
    await this.write(`#${generation} retired`, tx);
    await this.whenRetired();
  }
}

export const aPlacedOrder = (stream: string, revision = 0n, overrides: Partial<ArrivedMessage> = {}): ArrivedMessage =>
  anArrivedMessage(stream, revision, { type: 'OrderPlaced', json: { customerId: 'c-1', totalCents: 4_200 }, ...overrides });

/** So many orders, from number `first` on. */
export const placedOrders = (count: number, first = 0): readonly ArrivedMessage[] =>
  Array.from({ length: count }, (_, nth) => aPlacedOrder(`order-${first + nth}`));

export const entriesOf = (generation: number, count: number, first = 0): readonly string[] =>
  Array.from({ length: count }, (_, nth) => `#${generation} order-${first + nth}@0`);

const QUICKLY = { attempts: 2, firstMs: 1, maxMs: 5 };

/** Processes that project orders into one database, and the log that they follow. */
export class FollowingShop<Tx> {
  readonly log = new InMemoryEventLog();
  readonly #processes: Projections<Tx>[] = [];

  constructor(readonly opened: OpenedDatabase<Tx>) {}

  list(): OrderList<Tx> {
    return new OrderList<Tx>(this.opened.write);
  }

  /** One more process. It is stopped when the shop closes. */
  process(list: OrderList<Tx>, options: Partial<ProjectionsOptions<Tx>> = {}): Projections<Tx> {
    const { database } = this.opened;
    const log: EventLog = this.log;
    const process = new Projections<Tx>({
      ...{ database, log, catalogue: orderEvents, projections: [projectorOf(list)] },
      ...{ retry: QUICKLY, leaseMs: 600, retireAfterMs: 0, ...options },
    });
    this.#processes.push(process);
    return process;
  }

  /** The committed entries about orders of a generation. */
  async ordersOf(generation: number): Promise<readonly string[]> {
    return (await this.opened.written()).filter((entry) => entry.startsWith(`#${generation} order-`));
  }

  /** Waits until that many orders are committed in a generation. */
  async hasWritten(generation: number, count: number): Promise<readonly string[]> {
    return eventually(`${count} orders in generation ${generation}`, async () => {
      const entries = await this.ordersOf(generation);
      return entries.length >= count ? entries : undefined;
    });
  }

  /** Names of the places that are kept. */
  async subscriptions(): Promise<readonly string[]> {
    return (await this.opened.database.subscriptions.all()).map(({ subscription }) => subscription);
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
    await this.opened.close();
  }
}

/** Its first rebuild has taken over. */
export const isSwitched = ({ generation }: ProjectionStatus): boolean => generation === 2;

export async function statusOf<Tx>(process: Projections<Tx>): Promise<ProjectionStatus> {
  const [status] = await process.status();
  return status!;
}

/** Waits until the only projection of a process is as wanted. */
export async function statusWhere<Tx>(
  process: Projections<Tx>,
  what: string,
  isAsWanted: (status: ProjectionStatus) => boolean,
): Promise<ProjectionStatus> {
  return eventually(what, async () => {
    const status = await statusOf(process);
    return isAsWanted(status) ? status : undefined;
  });
}
