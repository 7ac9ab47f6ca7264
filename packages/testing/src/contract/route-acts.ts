import { randomUUID } from 'node:crypto';
import type { LaneActionRequest, OutboxRow, StoredRoute } from '@waybill/core';
import { anAppend } from '../builders/a-message.js';
import { leaseRoute } from '../ordering/leased-route.js';
import type { LeasedRoute, LeaseRouteOptions } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import type { Fixture } from './fixture.js';

export type RouteLifePort = OrderingPort | 'actions' | 'status';

/** What the suites of routes do with them. */
export function routeActs<Tx>(fixture: () => Fixture<Tx, RouteLifePort>) {
  const aName = (): string => `route-${randomUUID()}`;
  const lease = (options: LeaseRouteOptions = {}): Promise<LeasedRoute> => leaseRoute(fixture().database, { order: 'global', ...options });
  const find = (route: string): Promise<StoredRoute | undefined> => fixture().database.routes.find(route);
  const retire = (route: string): Promise<void> => fixture().database.routes.retire(route);
  const commit = (stream: string): Promise<unknown> =>
    fixture().database.transactions.run((tx) => fixture().database.outbox.append([anAppend(stream)], tx));
  const request = (route: string, action: Partial<LaneActionRequest> = {}): Promise<void> =>
    fixture().database.actions.request({ route, lane: 0, kind: 'resume', ...action });
  const due = ({ held }: LeasedRoute) => fixture().database.actions.due(held.map((lane) => lane.lease));
  return { aName, lease, find, retire, commit, request, due };
}

export const places = (rows: readonly OutboxRow[]): readonly string[] => rows.map(({ stream, revision }) => `${stream}@${revision}`);
