import { isWaybillError, streamHash } from '@waybill/core';
import { overlay } from '../broken-database.js';
import type { Defect } from './defect.js';

/** What operators, waiting callers and units of work are told wrongly. */
export const operationsDefects: readonly Defect[] = [
  {
    defect: 'forgets that an order was carried out',
    plant: (real) => ({
      lanes: overlay(real.lanes, { settle: (lease, settlement) => real.lanes.settle(lease, { ...settlement, executed: [] }) }),
    }),
    noticedBy: 'ends an order with the settlement that carried it out, or refused it',
  },
  {
    defect: 'counts what a route does not select',
    plant: (real) => ({
      status: overlay(real.status, {
        lanes: async () => (await real.status.lanes()).map((lane) => ({ ...lane, pending: lane.pending && lane.pending + 1 })),
      }),
    }),
    noticedBy: 'counts what is pending for the route, and tells since when',
  },
  {
    defect: 'calls messages passed that are not',
    plant: (real) => ({
      status: overlay(real.status, {
        progress: async (route, messages) => (await real.status.progress(route, messages)).map((told) => ({ ...told, passed: true })),
      }),
    }),
    noticedBy: 'tells of each message whether the route is past it',
  },

  {
    defect: 'has a pulse that stands still',
    plant: (real) => ({ wakeUps: overlay(real.wakeUps, { pulse: async () => '0' }) }),
    noticedBy: 'changes its pulse whenever there is something new to read',
  },
  {
    defect: 'nudges the wrong lanes',
    plant: (real) => ({ wakeUps: overlay(real.wakeUps, { nudge: (kind) => real.wakeUps.nudge(kind, [streamHash('another')]) }) }),
    noticedBy: 'passes a nudge on to listeners in this process, with the lanes it is about',
  },

  {
    defect: 'has no idempotency',
    plant: (real) => ({ idempotency: overlay(real.idempotency, { claim: async () => undefined }) }),
    noticedBy: 'makes a repeat answer the first result and not run the work',
  },
  {
    defect: 'does not tell who was faster',
    plant: (real) => ({
      outbox: overlay(real.outbox, {
        append: (appends, tx) =>
          real.outbox
            .append(appends, tx)
            .catch((error: unknown) => Promise.reject(isWaybillError(error, 'CONCURRENCY') ? new Error('conflict') : (error as Error))),
      }),
    }),
    noticedBy: 'shows a conflict to the caller at commit, with stream, expected and actual revision, and commits nothing',
  },
];
