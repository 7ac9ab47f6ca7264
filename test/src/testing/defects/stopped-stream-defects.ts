import type { LaneLease, Settlement, StoppedStream } from '@waybill/core';
import { SKIPPED_TYPE } from '@waybill/core';
import type { InMemoryDatabase } from '@waybill/core/in-memory';
import { overlay } from '../broken-database.js';
import type { Defect } from './defect.js';

/** Stopped streams, their tails and placeholders that are kept or read wrongly. */
export const stoppedStreamDefects: readonly Defect[] = [
  {
    defect: 'settles stopped streams without a fence',
    plant: (real) => {
      const entries = new Map<string, Map<string, StoppedStream>>();
      const keyOf = ({ route, lane }: LaneLease): string => `${lane} ${route}`;
      return {
        lanes: overlay(real.lanes, {
          settle: async (lease, { stopped = [], resumed = [], ...settlement }) => {
            const ofLane = entries.get(keyOf(lease)) ?? new Map<string, StoppedStream>();
            for (const entry of stopped) ofLane.set(entry.stream, entry);
            for (const stream of resumed) ofLane.delete(stream);
            entries.set(keyOf(lease), ofLane);
            await real.lanes.settle(lease, settlement);
          },
          stopped: async (lease) => [...(entries.get(keyOf(lease))?.values() ?? [])],
        }),
      };
    },
    noticedBy: 'does not come, change or go under a lease that was lost',
  },
  {
    defect: 'writes placeholders before it looks at the lease',
    plant: (real) => {
      const placeholders = new Set<string>();
      return {
        lanes: overlay(real.lanes, {
          settle: async (lease, { placeholders: places = [], ...settlement }) => {
            for (const { stream, revision } of places) placeholders.add(`${revision} ${stream}`);
            await real.lanes.settle(lease, settlement);
          },
        }),
        outbox: overlay(real.outbox, {
          headAndTail: async (stream, from, tx) => {
            const { head, tail } = await real.outbox.headAndTail(stream, from, tx);
            return {
              head,
              tail: tail.map((row) => (placeholders.has(`${row.revision} ${stream}`) ? { ...row, type: SKIPPED_TYPE } : row)),
            };
          },
        }),
      };
    },
    noticedBy: 'stores all that it says, or, under a lease that was lost, nothing of it',
  },
  {
    defect: 'forgets stopped streams when the holder changes',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        stopped: async (lease) => {
          const [lane] = (await real.status.lanes()).filter(({ route, lane }) => route === lease.route && lane === lease.lane);
          return lane?.owner === 'heir' ? [] : real.lanes.stopped(lease);
        },
      }),
    }),
    noticedBy: 'outlives a holder that was killed',
  },
  {
    defect: 'resumes every stream with the first',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        settle: async (lease, settlement) => {
          const resumed = settlement.resumed && (await real.lanes.stopped(lease)).map(({ stream }) => stream);
          await real.lanes.settle(lease, { ...settlement, ...(resumed && { resumed }) });
        },
      }),
    }),
    noticedBy: 'goes when its stream is resumed, and no other does',
  },
  {
    defect: 'calls a stopped stream delivered',
    plant: (real) => ({
      status: overlay(real.status, {
        progress: async (route, places) =>
          (await real.status.progress(route, places)).map(({ stopped, ...told }) => ({ ...told, passed: told.passed || !!stopped })),
      }),
    }),
    noticedBy: 'are not called delivered from where they stopped on, in order "stream"',
  },
  {
    defect: 'reads a tail past the checkpoint',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        readTail: async (options) => {
          const { through } = await real.lanes.read({ ...options, after: options.upTo, limit: 10_000 });
          return real.lanes.readTail({ ...options, upTo: through });
        },
      }),
    }),
    noticedBy: 'and what is read behind the checkpoint are all of the stream, and nothing twice, at every place',
  },
  {
    defect: 'takes the last row of a tail for passed that comes late',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        readTail: async (options) => {
          const { rows } = await real.lanes.read({ ...options, after: options.upTo, limit: 10_000 });
          const late = rows.filter(({ stream, revision }) => stream === options.stream && revision >= options.from).slice(0, 1);
          return [...(await real.lanes.readTail(options)), ...late];
        },
      }),
    }),
    noticedBy: 'and what is read behind the checkpoint are all of the stream, and nothing twice, also when commits come late',
  },
  {
    defect: 'reads a tail without the selection',
    plant: (real) => ({
      lanes: overlay(real.lanes, { readTail: (options) => real.lanes.readTail({ ...options, selection: {} }) }),
    }),
    noticedBy: 'has nothing of other streams, and nothing that the route does not select',
  },
  {
    defect: 'gives rows of a tail a place in front of the lane',
    plant: (real) => ({
      lanes: overlay(real.lanes, {
        readTail: async (options) =>
          (await real.lanes.readTail(options)).map((row) => ({ ...row, checkpoint: { passed: 0 } as unknown as typeof row.checkpoint })),
      }),
    }),
    noticedBy: 'has rows as they were appended, each at the place that was asked with',
  },
  {
    defect: 'gives placeholders to other routes',
    plant: (real) => placeholdersForAll(real),
    noticedBy: 'are not what other routes read: they still get the message as it was appended',
  },
];

function placeholdersForAll(real: InMemoryDatabase): ReturnType<Defect['plant']> {
  const replaced = new Set<string>();
  return {
    lanes: overlay(real.lanes, {
      settle: async (lease, settlement: Settlement) => {
        for (const { stream, revision } of settlement.placeholders ?? []) replaced.add(`${revision} ${stream}`);
        await real.lanes.settle(lease, settlement);
      },
      read: async (options) => {
        const page = await real.lanes.read(options);
        return {
          ...page,
          rows: page.rows.map((row) => (replaced.has(`${row.revision} ${row.stream}`) ? { ...row, type: SKIPPED_TYPE } : row)),
        };
      },
    }),
  };
}
