import { appendsWithout } from '@waybill/core';
import type { MessagePlace, StreamAppend } from '@waybill/core';
import type { InMemoryDatabase } from '@waybill/core/in-memory';
import { overlay } from '../broken-database.js';
import type { Defect } from './defect.js';

/** Replies and delivered streams that are settled wrongly. */
export const settlementDefects: readonly Defect[] = [
  {
    defect: 'appends replies in a transaction of their own, after the settlement',
    plant: (real) => {
      const appended = new Set<string>();
      return {
        lanes: overlay(real.lanes, {
          settle: async (lease, { replies = [], ...settlement }) => {
            await real.lanes.settle(lease, settlement);
            await append(real, replies, appended);
          },
        }),
      };
    },
    noticedBy: 'that cannot be appended leave nothing of the settlement behind',
  },
  {
    defect: 'appends replies before it looks at the lease',
    plant: (real) => {
      const appended = new Set<string>();
      return {
        lanes: overlay(real.lanes, {
          settle: async (lease, { replies = [], ...settlement }) => {
            await append(real, replies, appended);
            await real.lanes.settle(lease, settlement);
          },
        }),
      };
    },
    noticedBy: 'under a lease that was lost are not appended',
  },
  {
    defect: 'appends replies again with every settlement',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        settle: async (lease, { replies = [], ...settlement }) => {
          await real.lanes.settle(lease, settlement);
          await real.transactions.run((tx) => real.outbox.append(replies, tx));
        },
      }),
    }),
    noticedBy: 'are there once, however often the settlement is stored',
  },
  {
    defect: 'leaves all replies out where it has one of them',
    plant: (real) => {
      const seen = new Set<string>();
      return {
        lanes: overlay(real.lanes, {
          settle: async (lease, { replies = [], ...settlement }) => {
            const unseen = replies.filter(({ messages }) => !messages.some(({ id }) => seen.has(id)));
            await real.lanes.settle(lease, { ...settlement, replies: unseen });
            for (const { messages } of replies) for (const { id } of messages) seen.add(id);
          },
        }),
      };
    },
    noticedBy: 'that the outbox has already are left out, in whatever stream it has them, and the others are not',
  },
  {
    defect: 'looks for replies that it has in their own stream alone',
    plant: (real) => {
      const seen = new Map<string, string>();
      return {
        lanes: overlay(real.lanes, {
          settle: async (lease, { replies = [], ...settlement }) => {
            await real.lanes.settle(lease, settlement);
            for (const reply of replies) {
              const messages = reply.messages.filter(({ id }) => seen.get(id) !== reply.stream);
              for (const { id } of messages) seen.set(id, reply.stream);
              if (messages.length > 0) await real.transactions.run((tx) => real.outbox.append([{ ...reply, messages }], tx));
            }
          },
        }),
      };
    },
    noticedBy: 'that the outbox has already are left out, in whatever stream it has them, and the others are not',
  },
  {
    defect: 'remembers what was delivered last whatever came before',
    plant: (real) => remembering(real, (places, { stream, revision }) => places.set(stream, revision)),
    noticedBy: 'never go back',
  },
  {
    defect: 'remembers what was delivered under a lease that was lost',
    plant: (real) =>
      remembering(real, (places, { stream, revision }) => {
        if (revision > (places.get(stream) ?? -1n)) places.set(stream, revision);
      }),
    noticedBy: 'are what the next holder finds, and stay so under a lease that was lost',
  },
  {
    defect: 'keeps what was delivered last under the name of the route',
    plant: (real) => remembering(real, (places, { stream, revision }) => places.set(stream, revision)),
    noticedBy: 'follow a route that is renamed, and leave nothing to the next route of its old name',
  },
  {
    defect: 'keeps what a retired route delivered for the next of its name',
    plant: (real) => remembering(real, (places, { stream, revision }) => places.set(stream, revision)),
    noticedBy: 'are gone when their route is retired, and when it is made anew',
  },
  {
    defect: 'forgets what was delivered when the database is adopted',
    plant: (real) => {
      let isAdopted = false;
      return {
        adopt: async () => ((isAdopted = true), real.adopt()),
        lanes: overlay(real.lanes, { delivered: async (route, streams) => (isAdopted ? [] : real.lanes.delivered(route, streams)) }),
      };
    },
    noticedBy: 'outlive the messages, and the adoption of the database',
  },
];

/** Those that were not appended here before. */
async function append(real: InMemoryDatabase, replies: readonly StreamAppend[], appended: Set<string>): Promise<void> {
  const missing = appendsWithout(appended, replies);
  await real.transactions.run((tx) => real.outbox.append(missing, tx));
  for (const { messages } of missing) for (const { id } of messages) appended.add(id);
}

/** A table of its own, by the name of the route, written before the lease is looked at. */
function remembering(
  real: InMemoryDatabase,
  remember: (places: Map<string, bigint>, place: MessagePlace) => void,
): ReturnType<Defect['plant']> {
  const routes = new Map<string, Map<string, bigint>>();
  return {
    lanes: overlay(real.lanes, {
      settle: async (lease, { delivered = [], ...settlement }) => {
        const places = routes.get(lease.route) ?? new Map<string, bigint>();
        routes.set(lease.route, places);
        for (const place of delivered) remember(places, place);
        await real.lanes.settle(lease, settlement);
      },
      delivered: async (route, streams) =>
        streams.flatMap((stream) => {
          const revision = routes.get(route)?.get(stream);
          return revision === undefined ? [] : { stream, revision };
        }),
    }),
  };
}
