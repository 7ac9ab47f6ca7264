import { overlay } from '../broken-database.js';
import type { Defect } from './defect.js';

/** Tries, and what became of messages, that are kept or told wrongly. */
export const historyDefects: readonly Defect[] = [
  {
    defect: 'knows a batch by its first message only',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        settle: (lease, { attempts = [], ...settlement }) =>
          real.lanes.settle(lease, {
            ...settlement,
            attempts: attempts.map((tried) => ({ ...tried, messageIds: tried.messageIds.slice(0, 1) })),
          }),
      }),
    }),
    noticedBy: 'finds a batch by each of its messages',
  },
  {
    defect: 'writes a try with every settlement that brings it',
    plant: (real) => {
      let settlements = 0;
      return {
        lanes: overlay(real.lanes, {
          settle: (lease, { attempts = [], ...settlement }) => {
            settlements++;
            const changed = attempts.map((tried) => ({ ...tried, startedAt: new Date(tried.startedAt.getTime() + settlements) }));
            return real.lanes.settle(lease, { ...settlement, attempts: changed });
          },
        }),
      };
    },
    noticedBy: 'has a try once when the same settlement comes twice',
  },
  {
    defect: 'tells the oldest tries first',
    plant: (real) => ({
      status: overlay(real.status, {
        attempts: async ({ most = 100, ...query }) =>
          [...(await real.status.attempts({ ...query, most: 10_000 }))].reverse().slice(0, most),
      }),
    }),
    noticedBy: 'tells the newest tries first, of one settlement or of many',
  },
  {
    defect: 'removes the history whatever its age',
    plant: (real) => ({
      retention: overlay(real.retention, { removeHistory: ({ most }) => real.retention.removeHistory({ olderThanMs: 0, most }) }),
    }),
    noticedBy: 'takes what is older than asked, by when it was settled',
  },
  {
    defect: 'calls messages behind a failure waiting',
    plant: (real) => ({
      status: overlay(real.status, {
        messages: async (query) =>
          (await real.status.messages(query)).map((line) => (line.failCount === 0 && line.error ? { ...line, status: 'WAITING' } : line)),
      }),
    }),
    noticedBy: 'is failed at the failure of a lane that is waiting, and behind it',
  },
  {
    defect: 'has a line for routes that do not select the message',
    plant: (real) => ({
      status: overlay(real.status, {
        messages: async (query) => {
          const lines = await real.status.messages(query);
          const routes = (await real.routes.all()).filter(({ name }) => !lines.some(({ route }) => route === name));
          return lines.length === 0 ? lines : [...lines, ...routes.map(({ name }) => ({ ...lines[0]!, route: name }))];
        },
      }),
    }),
    noticedBy: 'waits where no route was there yet, with a line for each that selects it',
  },
  {
    defect: 'keeps no record of what the policy discarded',
    plant: (real) => ({
      lanes: overlay(real.lanes, { settle: (lease, settlement) => real.lanes.settle(lease, { ...settlement, discarded: [] }) }),
    }),
    noticedBy: 'has what the policy discarded, once, as carried out',
  },
];
