import { overlay } from '../broken-database.js';
import type { Defect } from './defect.js';

/** Lanes that are read, settled or leased wrongly. */
export const laneDefects: readonly Defect[] = [
  {
    defect: 'says that it has seen all when it has not',
    plant: (real) => ({ lanes: overlay(real.lanes, { read: async (options) => ({ ...(await real.lanes.read(options)), more: false }) }) }),
    noticedBy: 'says that there is more while a read without a wake-up would find more',
  },
  {
    defect: 'settles without a fence',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        settle: async (lease, settlement) => {
          const lanes = await real.status.lanes();
          const { epoch } = lanes.find(({ route, lane }) => route === lease.route && lane === lease.lane)!;
          await real.lanes.settle({ ...lease, epoch }, settlement);
        },
      }),
    }),
    noticedBy: 'under a lease that was lost changes nothing, and says so',
  },
  {
    defect: 'says nothing when a lease was lost',
    plant: (real) => ({
      lanes: overlay(real.lanes, { settle: (lease, settlement) => real.lanes.settle(lease, settlement).catch(() => {}) }),
    }),
    noticedBy: 'under a lease that was lost changes nothing, and says so',
  },
  {
    defect: 'selects after the limit',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        read: async (options) => {
          const page = await real.lanes.read({ ...options, selection: {} });
          const selected = await real.lanes.read({ ...options, limit: 10_000 });
          return { ...page, rows: page.rows.filter(({ id }) => selected.rows.some((row) => row.id === id)) };
        },
      }),
    }),
    noticedBy: 'finds its next message behind any number that it leaves out',
  },
  {
    defect: 'gives every row the place behind its page',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        read: async (options) => {
          const page = await real.lanes.read(options);
          return { ...page, rows: page.rows.map((row) => ({ ...row, checkpoint: page.through })) };
        },
      }),
    }),
    noticedBy: 'gives every row the place right behind it',
  },
  {
    defect: 'takes prefixes for patterns',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        read: async (options) => {
          const { streams = [] } = options.selection;
          const widened = streams.map((prefix) => prefix.replace(/[_%\\].*$/, ''));
          return real.lanes.read({ ...options, selection: { ...options.selection, streams: widened } });
        },
      }),
    }),
    noticedBy: 'of streams takes those that begin with one of the prefixes, letter by letter',
  },
  {
    defect: 'gives events and commands alike',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        read: (options) =>
          real.lanes.read(options.selection.types ? options : { ...options, selection: { ...options.selection, types: ['A', 'B', 'C'] } }),
      }),
    }),
    noticedBy: 'without types takes every event and no command',
  },
  {
    defect: 'leases what is held',
    plant: (real) => ({
      leases: overlay(real.leases, {
        acquire: async (options) => {
          const held = (await real.status.lanes()).filter(({ route, owner }) => route === options.route && owner !== undefined);
          await real.leases.release(held.map(({ route, lane, epoch }) => ({ route, lane, epoch, expiresAt: new Date() })));
          return real.leases.acquire(options);
        },
      }),
    }),
    noticedBy: 'gives no lane that somebody holds, not even to its holder',
  },
  {
    defect: 'keeps the epoch when the holder changes',
    plant: (real) => ({
      leases: overlay(real.leases, {
        acquire: async (options) =>
          (await real.leases.acquire(options)).map((grant) => ({ ...grant, lease: { ...grant.lease, epoch: 1n } })),
      }),
    }),
    noticedBy: 'lets the next take the lanes at once, not as taken over, under a higher epoch',
  },
  {
    defect: 'does not count the holders that were gone',
    plant: (real) => ({
      leases: overlay(real.leases, {
        acquire: async (options) =>
          (await real.leases.acquire(options)).map((grant) => ({ ...grant, progress: { ...grant.progress, suspects: 0 } })),
      }),
    }),
    noticedBy: 'counts the holders in a row that were gone without giving a lane back',
  },
  {
    defect: 'suspects every holder that was there before',
    plant: (real) => ({
      leases: overlay(real.leases, {
        acquire: async (options) =>
          (await real.leases.acquire(options)).map((grant) => {
            const suspects = grant.progress.suspects + (grant.takenOver ? 0 : 1);
            return { ...grant, progress: { ...grant.progress, suspects } };
          }),
      }),
    }),
    noticedBy: 'counts no holder that gave the lane back',
  },
  {
    defect: 'renews what it lost',
    plant: (real) => ({ leases: overlay(real.leases, { renew: async (leases) => leases }) }),
    noticedBy: 'leaves out what somebody else holds by now, and does not prolong it',
  },
  {
    defect: 'releases what it lost',
    plant: (real) => ({
      leases: overlay(real.leases, {
        release: async (leases) => {
          const lanes = await real.status.lanes();
          await real.leases.release(
            leases.map((lease) => ({
              ...lease,
              epoch: lanes.find(({ route, lane }) => route === lease.route && lane === lease.lane)!.epoch,
            })),
          );
        },
      }),
    }),
    noticedBy: 'leaves a lease alone that was lost',
  },
  {
    defect: 'begins "now" behind rows that are not committed yet',
    plant: (real) => {
      const appended = new Set<string>();
      const before = new Map<string, ReadonlySet<string>>();
      return {
        outbox: overlay(real.outbox, {
          append: (appends, tx) => (
            appends.forEach(({ messages }) => messages.forEach(({ id }) => appended.add(id))),
            real.outbox.append(appends, tx)
          ),
        }),
        routes: overlay(real.routes, { save: (route) => (before.set(route.name, new Set(appended)), real.routes.save(route)) }),
        lanes: overlay(real.lanes, {
          read: async (options) => {
            const page = await real.lanes.read(options);
            return { ...page, rows: page.rows.filter(({ id }) => !before.get(options.route)?.has(id)) };
          },
        }),
      };
    },
    noticedBy: 'begins for "now" with what was committed after it was first seen, in order "stream"',
  },
];
