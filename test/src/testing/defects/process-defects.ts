import type { CaseStore, ProcessStore } from '@waybill/core';
import { overlay } from '../broken-database.js';
import type { Defect } from './defect.js';

/** Processes that lose a change, time-outs that fire twice or never, and cases that are forgotten. */
export const processDefects: readonly Defect[] = [
  {
    defect: 'reads a process without locking it',
    plant: (real) => ({
      processes: overlay<ProcessStore<never>>(real.processes, {
        lock: async ({ process, key }) => {
          const [line] = await real.processes.find({ process, key, most: 1 });
          if (!line) return undefined;
          const { startedAt: _startedAt, changedAt: _changedAt, ...stored } = line;
          return stored;
        },
      }),
    }),
    noticedBy: 'loses no change of many transactions that begin one process at once',
  },
  {
    defect: 'gives a time-out to whoever asks for it',
    plant: (real) => ({ processes: overlay<ProcessStore<never>>(real.processes, { take: async () => true }) }),
    noticedBy: 'gives a time-out to one of many who take it at once',
  },
  {
    defect: 'cancels no time-outs of a whole process',
    plant: (real) => ({
      processes: overlay<ProcessStore<never>>(real.processes, {
        cancel: async (key, timeout, tx) => (timeout === undefined ? undefined : real.processes.cancel(key, timeout, tx)),
      }),
    }),
    noticedBy: 'cancels all of a process, also those of the same transaction, and none of another',
  },
  {
    defect: 'removes processes without looking at how long they have been over',
    plant: (real) => ({
      processes: overlay<ProcessStore<never>>(real.processes, {
        remove: (options) => real.processes.remove({ ...options, olderThanMs: 0 }),
      }),
    }),
    noticedBy: 'removes what is over and has not changed for so long, and nothing else',
  },
  {
    defect: 'closes a case as often as somebody asks',
    plant: (real) => ({
      cases: overlay<CaseStore<never>>(real.cases, {
        close: async (id, closing, tx) => {
          await real.cases.close(id, closing, tx);
          return true;
        },
      }),
    }),
    noticedBy: 'closes a case for one of many who close it at once',
  },
];
