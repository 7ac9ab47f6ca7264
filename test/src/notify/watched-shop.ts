import { UnitOfWork } from '@waybill/core';
import type { LaneFailure, LaneGrant, StoppedStream, StoredRoute } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { ManualClock } from '../shop/manual-clock.js';
import { Order, orderEvents } from '../shop/order.js';

/** A shop whose outbox somebody looks at. Its dispatchers are played, lease by lease. */
export class WatchedShop {
  readonly clock = new ManualClock();
  readonly database = new InMemoryDatabase({ lanes: 1, clock: this.clock });
  readonly #unitOfWork: UnitOfWork<InMemoryTx>;

  constructor() {
    this.#unitOfWork = new UnitOfWork({ database: this.database, catalogue: orderEvents, clock: this.clock });
  }

  async place(...ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#unitOfWork.run(async ({ track }) => void track(Order.placed(id)));
  }

  async note(id: string, times: number): Promise<void> {
    const texts = Array.from({ length: times }, (_, index) => `note ${index}`);
    await this.#unitOfWork.run(async ({ load }) => (await load(Order, id)).note(...texts));
  }

  async route(name: string, overrides: Partial<StoredRoute> = {}): Promise<void> {
    await this.database.routes.save({ name, order: 'stream', selection: {}, start: 'beginning', ...overrides });
  }

  /** A dispatcher signs on, for so long. */
  async signOn(route: string, name = 'shop-1', aliveMs = 15_000): Promise<void> {
    await this.database.instances.beat({ route, id: `${name}-id`, name, aliveMs });
  }

  /** A dispatcher takes the route's one lane, for so long. */
  async hold(route: string, owner = 'shop-1', leaseMs = 86_400_000): Promise<LaneGrant> {
    const [grant] = await this.database.leases.acquire({ route, owner, leaseMs, most: 1 });
    return grant!;
  }

  /** Everything that is there is delivered, or so many. */
  async deliver({ lease, progress }: LaneGrant, limit = 10_000): Promise<LaneGrant> {
    const { route, lane } = lease;
    const read = { route, lane, order: 'stream', selection: {}, after: progress.checkpoint, limit } as const;
    const { rows, through } = await this.database.lanes.read(read);
    const checkpoint = rows.length === limit ? rows.at(-1)!.checkpoint : through;
    const moved = { ...progress, checkpoint };
    await this.database.lanes.settle(lease, moved);
    return { lease, progress: moved, takenOver: false };
  }
}

export const aFailure = (overrides: Partial<LaneFailure> = {}): LaneFailure => ({
  messageId: 'm-1',
  stream: 'order-7',
  revision: 0n,
  attempts: 10,
  nextTryAt: undefined,
  code: 'MESSAGE_REJECTED',
  error: 'customer c-2 has no address',
  ...overrides,
});

export const aStoppedStream = (overrides: Partial<StoppedStream> = {}): StoppedStream => ({
  stream: 'order-7',
  fromRevision: 0n,
  state: 'parked',
  failure: aFailure(),
  stoppedAt: new Date('2025-01-01T00:00:00Z'),
  ...overrides,
});
