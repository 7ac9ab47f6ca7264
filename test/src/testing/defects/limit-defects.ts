import { randomUUID } from 'node:crypto';
import type { LimitRequest, SharedLimits } from '@waybill/core';
import { overlay } from '../broken-database.js';
import type { Defect } from './defect.js';

const asking = (defect: string, noticedBy: string, changed: (request: LimitRequest) => LimitRequest): Defect => ({
  defect,
  plant: (real) => ({ limits: overlay<SharedLimits>(real.limits, { acquire: (request) => real.limits.acquire(changed(request)) }) }),
  noticedBy,
});

/** Limits that let too much through, or nothing. */
export const limitDefects: readonly Defect[] = [
  {
    defect: 'counts permits first and takes one after, with others in between',
    plant: (real) => {
      const inUse = new Map<string, number>();
      const acquire: SharedLimits['acquire'] = async (request) => {
        const before = inUse.get(request.name) ?? 0;
        await Promise.resolve();
        if (request.concurrency !== undefined && before >= request.concurrency) return { granted: false, by: 'concurrency', waitMs: 1 };
        inUse.set(request.name, before + 1);
        return { granted: true };
      };
      return { limits: overlay<SharedLimits>(real.limits, { acquire }) };
    },
    noticedBy: 'grants no more than that to many who ask in the same moment',
  },
  {
    defect: 'takes a token before it looks for a permit',
    plant: (real) => ({
      limits: overlay<SharedLimits>(real.limits, {
        acquire: async ({ concurrency, rate, ...request }) => {
          if (concurrency === undefined || rate === undefined)
            return real.limits.acquire({ ...request, ...(concurrency !== undefined && { concurrency }), ...(rate && { rate }) });
          const token = await real.limits.acquire({ ...request, rate });
          return token.granted ? real.limits.acquire({ ...request, concurrency }) : token;
        },
      }),
    }),
    noticedBy: 'takes no token where there is no permit',
  },
  {
    defect: 'takes a permit before it looks for a token',
    plant: (real) => ({
      limits: overlay<SharedLimits>(real.limits, {
        acquire: async ({ concurrency, rate, ...request }) => {
          if (concurrency !== undefined) {
            const permit = await real.limits.acquire({ ...request, concurrency });
            if (!permit.granted || !rate) return permit;
          }
          return real.limits.acquire({ ...request, rate: rate! });
        },
      }),
    }),
    noticedBy: 'takes no permit where there is no token',
  },
  {
    defect: 'forgets to free the permit that is given back',
    plant: (real) => ({ limits: overlay<SharedLimits>(real.limits, { release: async () => {} }) }),
    noticedBy: 'frees a permit at once that is given back, in whatever process',
  },
  {
    defect: 'frees more than was given back',
    plant: (real) => {
      const taken = new Map<string, string[]>();
      return {
        limits: overlay<SharedLimits>(real.limits, {
          acquire: (request) => {
            taken.set(request.name, [...(taken.get(request.name) ?? []), request.permit]);
            return real.limits.acquire(request);
          },
          release: async (name) => {
            const permit = taken.get(name)?.shift();
            if (permit !== undefined) await real.limits.release(name, permit);
          },
        }),
      };
    },
    noticedBy: 'takes it calmly when a permit is given back twice, or was never taken',
  },
  asking('never takes a permit from who is gone', 'frees the permit of a holder that is gone when its time is over', (request) => ({
    ...request,
    permitMs: 3_600_000,
  })),
  asking('takes a permit anew for each ask', 'takes one permit only for whoever asks again with it', (request) => ({
    ...request,
    permit: randomUUID(),
  })),
  asking('saves up without end', 'saves up no more than the burst of whoever asks', ({ rate, ...request }) => ({
    ...request,
    ...(rate && { rate: { ...rate, burst: Math.max(100, rate.burst ?? 0) } }),
  })),
  asking(
    'fills the bucket twice as fast',
    'never grants more than burst and rate allow to racers of two processes, and lets them go on',
    ({ rate, ...request }) => ({
      ...request,
      ...(rate && { rate: { ...rate, limit: rate.limit * 2 } }),
    }),
  ),
  asking('has one limit for all', 'keeps names apart', (request) => ({ ...request, name: 'all' })),
  {
    defect: 'does not tell for how long to wait',
    plant: (real) => ({
      limits: overlay<SharedLimits>(real.limits, {
        acquire: async (request) => {
          const answer = await real.limits.acquire(request);
          return answer.granted ? answer : { ...answer, waitMs: 0 };
        },
      }),
    }),
    noticedBy: 'tells who has to wait for a permit until when the first of them runs out at the latest',
  },
];
