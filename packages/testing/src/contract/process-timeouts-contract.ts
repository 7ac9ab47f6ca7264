import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { DueTimeout, ProcessKey, StoredProcess } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { gate } from '../builders/gate.js';
import { eventually } from '../builders/waiting.js';
import { againAfterConflicts } from './again-after-conflicts.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

type Port = 'transactions' | 'processes';

/** The suite of the time-outs in a `ProcessStore`: each fires once, whoever looks. */
export function processTimeoutsContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`the time-outs in ProcessStore of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aKey = (overrides: Partial<ProcessKey> = {}): ProcessKey => ({
      ...{ process: `fulfilment-${randomUUID()}`, key: `order-${randomUUID()}` },
      ...overrides,
    });
    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> =>
      againAfterConflicts(() => fixture.database.transactions.run(work));
    /** Inside a transaction that has locked the process, as all that set or cancel do. */
    const inside = <Result>({ process, key }: ProcessKey, work: (tx: Tx) => Promise<Result>): Promise<Result> =>
      transact(async (tx) => {
        await fixture.database.processes.lock({ process, key }, tx);
        return work(tx);
      });
    const schedule = async ({ process, key }: ProcessKey, timeout: string, afterMs = 0): Promise<string> => {
      const id = randomUUID();
      await inside({ process, key }, (tx) => fixture.database.processes.schedule({ process, key, timeout, id, afterMs }, tx));
      return id;
    };
    const cancel = ({ process, key }: ProcessKey, timeout?: string): Promise<void> =>
      inside({ process, key }, (tx) => fixture.database.processes.cancel({ process, key }, timeout, tx));
    const due = (...keys: readonly ProcessKey[]): Promise<readonly DueTimeout[]> =>
      fixture.database.processes.due(
        keys.map(({ process }) => process),
        100,
      );
    const namesOf = (timeouts: readonly DueTimeout[]): readonly string[] => timeouts.map(({ timeout }) => timeout);
    const take = (one: DueTimeout): Promise<boolean> => inside(one, (tx) => fixture.database.processes.take(one, tx));

    it('tells a time-out that is due, and none that is not yet', async () => {
      const key = aKey();
      const id = await schedule(key, 'unpaid');
      await schedule(key, 'unshipped', 60_000);

      const [{ dueAt, ...found }, ...others] = (await due(key)) as [DueTimeout];

      expect(found).to.deep.equal({ ...key, timeout: 'unpaid', id });
      expect(others).to.deep.equal([]);
      expect(Math.abs(dueAt.getTime() - Date.now())).to.be.lessThan(60_000);
    });

    it('tells a time-out once its time has come', async () => {
      const key = aKey();
      await schedule(key, 'unpaid', 300);

      const early = await due(key);
      const found = await eventually('the time-out', async () => (await due(key))[0]);

      expect(early).to.deep.equal([]);
      expect(found.timeout).to.equal('unpaid');
    });

    it('tells those whose names begin alike, or all others', async () => {
      const key = aKey();
      for (const timeout of ['step.:a', 'step.:b', 'stepp:', 'step', 'unpaid']) await schedule(key, timeout);

      const named = async (without?: boolean): Promise<readonly string[]> =>
        namesOf(await fixture.database.processes.due([key.process], 100, { prefix: 'step.:', ...(without && { without }) }));

      expect(await named()).to.have.members(['step.:a', 'step.:b']);
      expect(await named(true)).to.have.members(['stepp:', 'step', 'unpaid']);
    });

    it('keeps a time-out that is due in years', async () => {
      const key = aKey();

      await schedule(key, 'unpaid', 10 * 365 * 86_400_000);

      expect(await due(key)).to.deep.equal([]);
    });

    it('tells only those of the processes that are asked for, the longest due first, and no more than asked for', async () => {
      const [one, other, third] = [aKey(), aKey(), aKey()];
      for (const [key, timeout] of [
        [one, 'a'],
        [other, 'b'],
        [third, 'c'],
        [{ ...one, key: 'another' }, 'd'],
      ] as const) {
        await schedule(key, timeout);
        await sleep(2); // where the database's clock counts milliseconds, it tells them apart
      }

      expect(namesOf(await due(one, third))).to.deep.equal(['a', 'c', 'd']);
      expect(namesOf(await fixture.database.processes.due([one.process, other.process], 2))).to.deep.equal(['a', 'b']);
      expect(await fixture.database.processes.due([], 100)).to.deep.equal([]);
    });

    it('tells everybody the same ones, until one has taken them', async () => {
      const key = aKey();
      await schedule(key, 'unpaid');

      const [first, second] = [await due(key), await due(key)];
      const taken = [await take(first[0]!), await take(second[0]!)];

      expect(second).to.deep.equal(first);
      expect(taken).to.deep.equal([true, false]);
      expect(await due(key)).to.deep.equal([]);
    });

    it('gives a time-out to one of many who take it at once', async () => {
      const key = aKey();
      await schedule(key, 'unpaid');
      const [one] = await due(key);

      const answers = await Promise.all(Array.from({ length: 8 }, () => take(one!)));

      expect(answers.filter(Boolean)).to.have.length(1);
    });

    it('gives a time-out once to one transaction that takes it twice', async () => {
      const key = aKey();
      await schedule(key, 'unpaid');
      const [one] = await due(key);

      const answers = await inside(key, async (tx) => [
        await fixture.database.processes.take(one!, tx),
        await fixture.database.processes.take(one!, tx),
      ]);

      expect(answers).to.deep.equal([true, false]);
    });

    it('leaves a time-out that was taken in a transaction that rolled back', async () => {
      const key = aKey();
      await schedule(key, 'unpaid');
      const [one] = await due(key);

      await rejection(
        inside(key, async (tx) => {
          await fixture.database.processes.take(one!, tx);
          throw new Error('no');
        }),
      );

      expect(await due(key)).to.deep.equal([one]);
      expect(await take(one!)).to.equal(true);
    });

    it('sets none in a transaction that rolls back', async () => {
      const key = aKey();

      await rejection(
        inside(key, async (tx) => {
          await fixture.database.processes.schedule({ ...key, timeout: 'unpaid', id: randomUUID(), afterMs: 0 }, tx);
          throw new Error('no');
        }),
      );

      expect(await due(key)).to.deep.equal([]);
    });

    it('puts a time-out that is set anew in place of the one before, which nobody can take any more', async () => {
      const key = aKey();
      await schedule(key, 'unpaid');
      const [before] = await due(key);

      await schedule(key, 'unpaid', 60_000);
      const later = await due(key);
      const again = await schedule(key, 'unpaid');

      expect(later).to.deep.equal([]);
      expect((await due(key)).map(({ id }) => id)).to.deep.equal([again]);
      expect(await take(before!)).to.equal(false);
      expect(await due(key)).to.have.length(1);
    });

    it('keeps of several settings in one transaction the last', async () => {
      const key = aKey();
      const id = randomUUID();

      await inside(key, async (tx) => {
        await fixture.database.processes.schedule({ ...key, timeout: 'unpaid', id: randomUUID(), afterMs: 0 }, tx);
        await fixture.database.processes.cancel(key, 'unpaid', tx);
        await fixture.database.processes.schedule({ ...key, timeout: 'unpaid', id: randomUUID(), afterMs: 0 }, tx);
        await fixture.database.processes.schedule({ ...key, timeout: 'unpaid', id, afterMs: 0 }, tx);
      });

      expect((await due(key)).map((one) => one.id)).to.deep.equal([id]);
    });

    it('sets anew in the transaction that takes it', async () => {
      const key = aKey();
      await schedule(key, 'unpaid');
      const [one] = await due(key);
      const id = randomUUID();

      await inside(key, async (tx) => {
        await fixture.database.processes.take(one!, tx);
        await fixture.database.processes.schedule({ ...key, timeout: 'unpaid', id, afterMs: 0 }, tx);
      });

      expect((await due(key)).map((again) => again.id)).to.deep.equal([id]);
      expect(await take(one!)).to.equal(false);
    });

    it('cancels one, and leaves the others', async () => {
      const key = aKey();
      await schedule(key, 'unpaid');
      await schedule(key, 'unshipped');
      const [unpaid] = await due(key);

      await cancel(key, 'unpaid');
      await cancel(key, 'never-set');

      expect(namesOf(await due(key))).to.deep.equal(['unshipped']);
      expect(await take(unpaid!)).to.equal(false);
    });

    it('cancels all of a process, also those of the same transaction, and none of another', async () => {
      const key = aKey();
      const another = { ...key, key: `${key.key}-2` };
      for (const timeout of ['unpaid', 'unshipped']) await schedule(key, timeout);
      await schedule(another, 'unpaid');

      await inside(key, async (tx) => {
        await fixture.database.processes.schedule({ ...key, timeout: 'third', id: randomUUID(), afterMs: 0 }, tx);
        await fixture.database.processes.cancel(key, undefined, tx);
      });

      expect(await due(key)).to.have.length(1);
      expect((await due(key))[0]!.key).to.equal(another.key);
    });

    it('leaves what was cancelled in a transaction that rolled back', async () => {
      const key = aKey();
      await schedule(key, 'unpaid');

      await rejection(
        inside(key, async (tx) => {
          await fixture.database.processes.cancel(key, undefined, tx);
          throw new Error('no');
        }),
      );

      expect(namesOf(await due(key))).to.deep.equal(['unpaid']);
    });

    it('lets either fire or cancel, when a message comes as the time-out fires', async () => {
      const key = aKey();
      await schedule(key, 'unpaid');
      const [one] = await due(key);
      const [hasLocked, mayEnd] = [gate(), gate()];
      const message = inside(key, async (tx) => {
        hasLocked.open();
        await mayEnd.opened;
        await fixture.database.processes.cancel(key, 'unpaid', tx);
      });
      await hasLocked.opened;
      const firing = take(one!);
      await sleep(20); // time to come as far as it can before the message is handled

      mayEnd.open();
      await message;

      expect(await firing).to.equal(false);
      expect(await due(key)).to.deep.equal([]);
    });

    it('removes with a process what is left of its time-outs', async () => {
      const key = aKey();
      const over: StoredProcess = {
        ...{ ...key, status: 'completed', reason: undefined, state: '{}', schemaVersion: 1, steps: [], correlationId: randomUUID() },
      };
      await inside(key, (tx) => fixture.database.processes.save(over, tx));
      await schedule(key, 'unpaid');
      const [one] = await due(key);
      await sleep(5);

      await fixture.database.processes.remove({ process: key.process, olderThanMs: 1, most: 10 });

      expect(await due(key)).to.deep.equal([]);
      expect(await take(one!)).to.equal(false);
    });
  });
}
