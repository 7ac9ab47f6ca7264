import type { LaneActionRequest } from '@waybill/core';
import type { WindowedDatabase } from './windowed-database.js';

const MOST = 100;

/** A person who looks at what has stopped, and orders something. Lanes carry it out, whoever holds them. */
export class Operator {
  constructor(private readonly database: WindowedDatabase) {}

  /** `resume` every lane that has halted; `redrive` every stream that has; `skip` the message that the first of either stands at. */
  order(kind: 'resume' | 'skip' | 'redrive', route: string): void {
    void this.#order(kind, route);
  }

  async #order(kind: 'resume' | 'skip' | 'redrive', route: string): Promise<void> {
    const { status, actions, wakeUps } = this.database;
    const lanes = (await status.lanes()).filter((lane) => lane.route === route && lane.failure);
    const streams = await status.stopped({ route, most: MOST });
    const orders: Omit<LaneActionRequest, 'route' | 'kind'>[] = [];
    if (kind === 'resume') orders.push(...lanes.filter(({ state }) => state === 'halted').map(({ lane }) => ({ lane })));
    if (kind === 'redrive')
      orders.push(...streams.filter(({ state }) => state === 'halted' || state === 'parked').map(({ lane, stream }) => ({ lane, stream })));
    if (kind === 'skip') {
      const atLanes = lanes.map(({ lane, failure }) => ({ lane, messageId: failure!.messageId }));
      const inStreams = streams.map(({ lane, stream, failure }) => ({ lane, stream, messageId: failure.messageId }));
      orders.push(...[...inStreams, ...atLanes].slice(0, 1).map((order) => ({ ...order, reason: 'it was sent by hand' })));
    }
    for (const order of orders) await actions.request({ route, kind, ...order });
    wakeUps.nudge('action', []);
  }
}
