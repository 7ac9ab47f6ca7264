import type { LaneLease } from '@waybill/core';
import { overlay } from '../broken-database.js';
import type { Defect } from './defect.js';

/** Routes that end, are renamed or made anew, instances that come and go, and identities that are kept, wrongly. */
export const routeDefects: readonly Defect[] = [
  {
    defect: 'renames a route while somebody holds a lane',
    plant: (real) => ({
      routes: overlay(real.routes, {
        rename: async (name, to) => {
          const held = (await real.status.lanes()).filter(({ route, owner }) => route === name && owner !== undefined);
          await real.leases.release(held.map(({ route, lane, epoch }) => ({ route, lane, epoch, expiresAt: new Date() })));
          return real.routes.rename(name, to);
        },
      }),
    }),
    noticedBy: 'waits for nobody who holds a lane',
  },
  {
    defect: 'looks whether a lane is held, and renames the route a moment later',
    plant: (real) => ({
      routes: overlay(real.routes, {
        rename: async (name, to) => {
          const held = (await real.status.lanes()).some(({ route, owner }) => route === name && owner !== undefined);
          await new Promise((resolve) => setTimeout(resolve, 1));
          const epochs = (await real.status.lanes()).filter(({ route }) => route === name);
          if (held) return false;
          await real.leases.release(epochs.map(({ route, lane, epoch }) => ({ route, lane, epoch, expiresAt: new Date() })));
          return real.routes.rename(name, to);
        },
      }),
    }),
    noticedBy: 'and somebody who takes the lanes at the same time do not both succeed',
  },
  {
    defect: 'leaves the lanes of a retired route to their holders',
    plant: (real) => {
      const retired = new Map<string, Date>();
      return {
        routes: overlay(real.routes, {
          retire: async (name) => void retired.set(name, new Date()),
          find: async (name) => {
            const [route, retiredAt] = [await real.routes.find(name), retired.get(name)];
            return route && retiredAt ? { ...route, retiredAt } : route;
          },
        }),
      };
    },
    noticedBy: 'takes the lanes from whoever holds them',
  },
  {
    defect: 'lets the epochs of a route begin again',
    plant: (real) => {
      const epochs = new Map<string, { readonly told: bigint; readonly real: bigint }>();
      const keyOf = ({ route, lane }: Pick<LaneLease, 'route' | 'lane'>): string => JSON.stringify([route, lane]);
      return {
        routes: overlay(real.routes, {
          retire: async (name) => {
            for (const { route, lane } of await real.status.lanes()) if (route === name) epochs.delete(keyOf({ route, lane }));
            await real.routes.retire(name);
          },
        }),
        leases: overlay(real.leases, {
          acquire: async (options) =>
            (await real.leases.acquire(options)).map((grant) => {
              const told = (epochs.get(keyOf(grant.lease))?.told ?? 0n) + 1n;
              epochs.set(keyOf(grant.lease), { told, real: grant.lease.epoch });
              return { ...grant, lease: { ...grant.lease, epoch: told } };
            }),
        }),
        lanes: overlay(real.lanes, {
          settle: (lease, settlement) => {
            const known = epochs.get(keyOf(lease));
            return real.lanes.settle({ ...lease, epoch: known?.told === lease.epoch ? known.real : -1n }, settlement);
          },
        }),
      };
    },
    noticedBy: 'is closed to whoever held it before',
  },
  {
    defect: 'never counts an instance as gone',
    plant: (real) => ({
      instances: overlay(real.instances, { beat: (instance) => real.instances.beat({ ...instance, aliveMs: 60_000 }) }),
    }),
    noticedBy: 'no longer tells of an instance that did not',
  },
  {
    defect: 'counts instances by their names',
    plant: (real) => ({
      instances: overlay(real.instances, { beat: (instance) => real.instances.beat({ ...instance, id: instance.name }) }),
    }),
    noticedBy: 'counts instances of one name as many',
  },
  {
    defect: 'signs an instance off from every route',
    plant: (real) => ({
      instances: overlay(real.instances, {
        leave: async (_route, id) => {
          for (const { route, id: other } of await real.instances.live()) if (other === id) await real.instances.leave(route, id);
        },
      }),
    }),
    noticedBy: 'forgets at once who signs off, from that route only',
  },
  {
    defect: 'takes any mark of the right number for the last',
    plant: (real) => ({
      identity: overlay(real.identity, {
        advance: async ({ outboxId, number }, to) => real.identity.advance({ ...(await real.identity.mark()), outboxId, number }, to),
      }),
    }),
    noticedBy: 'replaces no mark but the last, letter by letter',
  },
];
