import { defineState, processManager } from '@waybill/core';
import type { ProcessManager } from '@waybill/core';
import { z } from 'zod';
import { CallOffSearch, FindParcel, ParcelLost, ReplaceParcel } from './arriving-messages.js';
import type { Means } from './handlers.js';

const NothingToRemember = defineState(z.object({}));
const PENDING_MS = 40;
const LATE_MS = 20;

/** Whether the parcel of such a key is found to be lost for good; the others' search is called off. */
export const isLost = (key: string): boolean => Number(key.split('@')[1]) % 2 === 0;

/** A search whose end nobody tells: it is asked for. What is lost is replaced when a time-out fires; of the others the search is taken back. */
export const searchProcess = ({ write, reached }: Means): ProcessManager =>
  processManager('search', {
    state: NothingToRemember,
    initial: () => ({}),
    statusAttempts: 100,
    steps: {
      search: {
        compensation: ({ key }) => CallOffSearch({ parcel: key }),
        pendingTimeoutMs: PENDING_MS,
        status: async ({ key }) => {
          await reached('process-asked');
          return isLost(key) ? 'completed' : 'compensate';
        },
        onCompleted: ({ timeoutAfter }) => timeoutAfter('late', LATE_MS),
      },
      replacement: { irreversible: true, onCompleted: ({ end }) => end() },
    },
    timeouts: {
      late: async ({ key, tx, begin, complete }) => {
        await write({ text: `late ${key}`, stream: key }, tx);
        begin('replacement', ReplaceParcel({ parcel: key }));
        complete('replacement');
        await reached('process-fired');
      },
    },
  }).startsWith(ParcelLost, { key: ({ data }) => data.parcel }, async ({ data }, { begin }) => void begin('search', FindParcel(data)));
