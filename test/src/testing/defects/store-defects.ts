import type { LastArrival } from '@waybill/core';
import { overlay } from '../broken-database.js';
import type { Defect } from './defect.js';

/** Claims, outcomes and snapshots that are kept wrongly. */
export const storeDefects: readonly Defect[] = [
  {
    defect: 'grants every claim',
    plant: (real) => ({ inbox: overlay(real.inbox, { claim: async (claim, tx) => (await real.inbox.claim(claim, tx), true) }) }),
    noticedBy: 'gives a pair of handler and message once',
  },
  {
    defect: 'claims outside the transaction',
    plant: (real) => {
      const claims = new Set<string>();
      return {
        inbox: overlay(real.inbox, {
          claim: async ({ handler, messageId }) => !claims.has(handler + messageId) && !!claims.add(handler + messageId),
        }),
      };
    },
    noticedBy: 'leaves the pair free when the first claim rolls back',
  },
  {
    defect: 'does not make a second claim wait',
    plant: (real) => ({
      inbox: overlay(real.inbox, {
        claim: async ({ handler, messageId }, tx) => {
          if (await real.inbox.claimed(handler, messageId)) return false;
          tx.onCommit(
            () =>
              void real.transactions.run((own) => real.inbox.claim({ handler, messageId, source: '', firstAttemptAt: new Date() }, own)),
          );
          return true;
        },
      }),
    }),
    noticedBy: 'lets a concurrent claim wait for the first, and then be a duplicate',
  },
  {
    defect: 'looks for claims outside of the transaction that asks',
    plant: (real) => ({ inbox: overlay(real.inbox, { claimed: (handler, messageId) => real.inbox.claimed(handler, messageId) }) }),
    noticedBy: 'knows within a transaction what is committed, and what is its own',
  },
  {
    defect: 'lets two arrivals follow the same one',
    plant: (real) => ({ arrivals: overlay(real.arrivals, { record: (place, arrival, tx) => real.arrivals.record(place, arrival, tx) }) }),
    noticedBy: 'lets one of two transactions be the next after the same arrival',
  },
  {
    defect: 'lets the last arrival go back',
    plant: (real) => {
      const arrivals = new Map<string, LastArrival>();
      return {
        arrivals: overlay(real.arrivals, {
          last: async ({ stream }) => arrivals.get(stream),
          record: async ({ stream }, arrival) => void arrivals.set(stream, arrival),
        }),
      };
    },
    noticedBy: 'goes back with neither revision nor epoch, each by itself',
  },
  {
    defect: 'has one last arrival for all sources',
    plant: (real) => ({
      arrivals: overlay(real.arrivals, {
        last: (place, tx) => real.arrivals.last({ ...place, source: '' }, tx),
        record: (place, arrival, tx) => real.arrivals.record({ ...place, source: '' }, arrival, tx),
      }),
    }),
    noticedBy: 'tells streams apart by receiver, by source and by name',
  },
  {
    defect: 'forgets the epoch when an arrival tells none',
    plant: (real) => {
      const silent = new Set<string>();
      return {
        arrivals: overlay(real.arrivals, {
          last: async (place, tx) => {
            const last = await real.arrivals.last(place, tx);
            return last && silent.has(place.stream) ? { ...last, epoch: undefined } : last;
          },
          record: async (place, arrival, tx) => {
            if (arrival.epoch === undefined) silent.add(place.stream);
            else silent.delete(place.stream);
            await real.arrivals.record(place, arrival, tx);
          },
        }),
      };
    },
    noticedBy: 'keeps the epoch when an arrival tells none',
  },
  {
    defect: 'records arrivals outside the transaction',
    plant: (real) => ({
      arrivals: overlay(real.arrivals, {
        record: (place, arrival) => real.transactions.run((own) => real.arrivals.record(place, arrival, own)),
      }),
    }),
    noticedBy: 'forgets what was recorded in a transaction that rolled back',
  },
  {
    defect: 'forgets outcomes',
    plant: (real) => ({ idempotency: overlay(real.idempotency, { record: async () => {} }) }),
    noticedBy: 'answers a key that was seen before with the outcome recorded for it',
  },
  {
    defect: 'lets an older snapshot replace a newer one',
    plant: (real) => {
      const snapshots = new Map<string, never>();
      return {
        snapshots: overlay(real.snapshots, {
          save: async (snapshot) => void snapshots.set(snapshot.stream, snapshot as never),
          load: async (stream) => snapshots.get(stream),
        }),
      };
    },
    noticedBy: 'keeps a newer one',
  },
];
