import { overlay } from '../broken-database.js';
import { naiveReading } from '../broken-reading.js';
import type { Defect } from './defect.js';

/** Readers that lose, reorder or repeat. */
export const orderingDefects: readonly Defect[] = [
  {
    defect: 'reads behind the last position',
    plant: naiveReading('by position'),
    noticedBy: 'loses no message when a slow transaction commits after a fast one',
  },
  {
    defect: 'reads behind the last position',
    plant: naiveReading('by position'),
    noticedBy: 'delivers other streams while a long transaction has appended, and then its messages too',
  },
  { defect: 'reads behind the last position', plant: naiveReading('by position'), noticedBy: 'in a race of many writers with rollbacks' },
  {
    defect: 'reads behind the last position',
    plant: naiveReading('by position'),
    noticedBy: 'whatever the interleaving of transactions and reads',
  },
  {
    defect: 'reads in the order in which transactions began',
    plant: naiveReading('by transaction'),
    noticedBy: 'began, and wrote something else, first; read only at the end',
  },
  {
    defect: 'reads in the order in which transactions began',
    plant: naiveReading('by transaction'),
    noticedBy: 'delivers while a long transaction that wrote something else is open',
  },
  {
    defect: 'reads in the order in which transactions began',
    plant: naiveReading('by transaction'),
    noticedBy: 'in a race of many writers with rollbacks',
  },
  {
    defect: 'delivers what is not committed',
    plant: (real) => {
      const rows: object[] = [];
      return {
        outbox: overlay(real.outbox, {
          append: async (appends, tx) => (
            rows.push(...appends.flatMap(({ stream, messages }) => messages.map((message) => ({ ...message, stream, revision: 0n })))),
            real.outbox.append(appends, tx)
          ),
        }),
        lanes: overlay(real.lanes, { read: async (options) => ({ ...(await real.lanes.read(options)), rows: rows.splice(0) as never }) }),
      };
    },
    noticedBy: 'never delivers what was rolled back, and leaves no gap for it',
  },
  {
    defect: 'repeats the last row of a page',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        read: async (options) => {
          const page = await real.lanes.read(options);
          return page.rows.length > 1 ? { ...page, through: page.rows.at(-2)!.checkpoint } : page;
        },
      }),
    }),
    noticedBy: 'delivers every page of a long lane, each message once',
  },
  {
    defect: 'reads a page backwards, stream by stream in order',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        read: async (options) => {
          const page = await real.lanes.read(options);
          return { ...page, rows: [...page.rows].sort((a, b) => (a.stream === b.stream ? 0 : a.stream < b.stream ? 1 : -1)) };
        },
      }),
    }),
    noticedBy: 'delivers causes before effects while slow transactions come and go; read only at the end',
  },
];
