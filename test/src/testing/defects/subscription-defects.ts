import type { StoredSubscription } from '@waybill/core';
import { overlay } from '../broken-database.js';
import type { Defect } from './defect.js';

/** Subscriptions that are moved on, leased or forgotten wrongly; generations of projections; claims that no lane fences. */
export const subscriptionDefects: readonly Defect[] = [
  {
    defect: 'moves a subscription on outside the transaction',
    plant: (real) => ({
      subscriptions: overlay(real.subscriptions, {
        advance: (lease, step) => real.transactions.run((own) => real.subscriptions.advance(lease, step, own)),
      }),
    }),
    noticedBy: 'moves on with the effects of the transaction, and not without them',
  },
  {
    defect: 'moves a subscription on for whoever once held it',
    plant: (real) => ({
      subscriptions: overlay(real.subscriptions, {
        advance: async (lease, step, tx) => {
          const { epoch } = (await real.subscriptions.find(lease.subscription, tx))!;
          await real.subscriptions.advance({ ...lease, epoch }, step, tx);
        },
      }),
    }),
    noticedBy: 'commits nothing of a holder that has lost it, effects included',
  },
  {
    defect: 'begins the epochs of a removed subscription again',
    plant: (real) => {
      const first = new Map<string, bigint>();
      const seen = (lease: { subscription: string; epoch: bigint }): bigint => {
        if (!first.has(lease.subscription)) first.set(lease.subscription, lease.epoch);
        return lease.epoch - first.get(lease.subscription)!;
      };
      return {
        subscriptions: overlay(real.subscriptions, {
          acquire: async (options) => {
            const grant = await real.subscriptions.acquire(options);
            return grant && { ...grant, lease: { ...grant.lease, epoch: seen(grant.lease) } };
          },
          remove: (subscription, tx) => (first.delete(subscription), real.subscriptions.remove(subscription, tx)),
          advance: (lease, step, tx) =>
            real.subscriptions.advance({ ...lease, epoch: lease.epoch + (first.get(lease.subscription) ?? 0n) }, step, tx),
        }),
      };
    },
    noticedBy: 'commits nothing of one whose subscription was removed, not even once it is known again',
  },
  {
    defect: 'tells one that finds a subscription in a transaction what others may change meanwhile',
    plant: (real) => ({
      subscriptions: overlay(real.subscriptions, { find: (subscription) => real.subscriptions.find(subscription) }),
    }),
    noticedBy: 'keeps one as it is while a transaction has found it, until that has ended',
  },
  {
    defect: 'forgets an order to resume at any report',
    plant: (real) => ({
      subscriptions: overlay(real.subscriptions, { report: (lease, told) => real.subscriptions.report(lease, { ...told, resumed: true }) }),
    }),
    noticedBy: 'brings an order to resume, of nothing in particular, until it is carried out',
  },
  {
    defect: 'takes a place in another log for its own',
    plant: (real) => ({
      subscriptions: overlay(real.subscriptions, {
        register: (subscription, _positions, start) => real.subscriptions.register(subscription, 'any log', start),
        find: async (subscription, tx) => {
          const found = await real.subscriptions.find(subscription, tx);
          return found && ({ ...found, positions: 'a log' } satisfies StoredSubscription);
        },
      }),
    }),
    noticedBy: 'refuses one whose positions mean something else, and keeps its place',
  },
  {
    defect: 'makes any generation live',
    plant: (real) => ({
      projections: overlay(real.projections, {
        switchTo: async (projection, generation, tx) => (await real.projections.switchTo(projection, generation, tx), true),
      }),
    }),
    noticedBy: 'makes no other generation live than the one that is built',
  },
  {
    defect: 'claims for whoever once held the lane',
    plant: (real) => ({
      inbox: overlay(real.inbox, { claim: ({ lane: _lane, ...claim }, tx) => real.inbox.claim(claim, tx) }),
    }),
    noticedBy: 'gives nothing to one who has lost the lane, and leaves the pair to the next holder',
  },
  {
    defect: 'removes claims of messages that it still has, once they are old',
    plant: (real) => ({
      inbox: overlay(real.inbox, {
        claim: async (claim, tx) => {
          const { lane: _lane, ...aging } = claim;
          if (claim.firstAttemptAt.getTime() < Date.now() - 60_000) return real.inbox.claim(aging, tx);
          return real.inbox.claim(claim, tx);
        },
      }),
    }),
    noticedBy: 'keeps the claim of a message that is still in the outbox, however old',
  },
];
