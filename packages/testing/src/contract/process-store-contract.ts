import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { ProcessKey, ProcessLine, ProcessQuery, StoredProcess } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { gate } from '../builders/gate.js';
import { againAfterConflicts } from './again-after-conflicts.js';
import type { Fixture } from './fixture.js';
import { holdTransaction } from './held-transaction.js';
import { rejection } from './rejection.js';

type Port = 'transactions' | 'processes';

/** The suite of `ProcessStore`: the state of processes, locked by whoever reads it. Their time-outs are in {@link processTimeoutsContract}. */
export function processStoreContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`ProcessStore of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aProcess = (overrides: Partial<StoredProcess> = {}): StoredProcess => ({
      ...{ process: `fulfilment-${randomUUID()}`, key: `order-${randomUUID()}`, status: 'running', reason: undefined },
      ...{ state: '{}', schemaVersion: 1, steps: [], correlationId: randomUUID(), ...overrides },
    });
    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> =>
      againAfterConflicts(() => fixture.database.transactions.run(work));
    const read = (key: ProcessKey): Promise<StoredProcess | undefined> => transact((tx) => fixture.database.processes.lock(key, tx));
    const save = (process: StoredProcess): Promise<void> =>
      transact(async (tx) => {
        await fixture.database.processes.lock(process, tx);
        await fixture.database.processes.save(process, tx);
      });
    const saveAll = async (...processes: readonly StoredProcess[]): Promise<void> => {
      for (const process of processes) {
        await save(process);
        await sleep(2); // where the database's clock counts milliseconds, it tells them apart
      }
    };
    const find = (query: Partial<ProcessQuery>): Promise<readonly ProcessLine[]> =>
      fixture.database.processes.find({ most: 100, ...query });
    const keysOf = (lines: readonly ProcessKey[]): readonly string[] => lines.map(({ key }) => key);
    const remove = (process: string, olderThanMs: number, most = 100): Promise<number> =>
      fixture.database.processes.remove({ process, olderThanMs, most });

    /** Adds one to the number that is its state, beginning it where there is none. */
    async function count({ process, key }: ProcessKey, tx: Tx, meanwhile = async (): Promise<void> => {}): Promise<void> {
      const stored = await fixture.database.processes.lock({ process, key }, tx);
      await meanwhile();
      const state = String(Number(stored?.state ?? 0) + 1);
      await fixture.database.processes.save(aProcess({ process, key, state }), tx);
    }

    it('knows nothing of a process that nobody began', async () => {
      const nobodys = aProcess();

      expect(await read(nobodys)).to.equal(undefined);
      expect(await find(nobodys)).to.deep.equal([]);
    });

    it('keeps all of a process', async () => {
      const begunAt = new Date().toISOString();
      const full = aProcess({
        ...{ key: 'order "7"/ü', status: 'compensating', reason: "the card's \u20ac was\n declined", schemaVersion: 3 },
        ...{ state: JSON.stringify({ text: 'ü "\\ \n', money: 0.1, big: 2 ** 53, none: null, deep: [{ $set: { 'a.b': 1 } }] }) },
        steps: [
          { step: 'payment', state: 'compensated', begunAt, asked: 2, completion: 1 },
          { step: 'shipment "a.b"', state: 'failed', begunAt, asked: 0, detail: 'no stock' },
        ],
      });
      const empty = aProcess();

      await saveAll(full, empty);

      const stored = [await read(full), await read(empty)];
      expect(stored.map((one) => ({ ...one, state: JSON.parse(one!.state) as unknown }))).to.deep.equal(
        [full, empty].map((one) => ({ ...one, state: JSON.parse(one.state) as unknown })),
      );
    });

    it('tells processes apart by name and by key', async () => {
      const one = aProcess({ state: '1' });
      await save(one);

      expect(await read({ ...one, process: `${one.process}-2` })).to.equal(undefined);
      expect(await read({ ...one, key: `${one.key}-2` })).to.equal(undefined);
    });

    it('tells keys apart by case, and by blanks at the end', async () => {
      const one = aProcess({ key: 'a', state: '1' });
      await save(one);

      expect(await read({ ...one, key: 'A' })).to.equal(undefined);
      expect(await read({ ...one, key: 'a ' })).to.equal(undefined);
    });

    it('stores the last of what was saved', async () => {
      const one = aProcess({ state: '1' });
      await save(one);

      await save({ ...one, status: 'completed', state: '2', schemaVersion: 2 });

      expect(await read(one)).to.deep.equal({ ...one, status: 'completed', state: '2', schemaVersion: 2 });
    });

    it('knows within a transaction what it has saved in it', async () => {
      const one = aProcess();

      const seen = await transact(async (tx) => {
        await count(one, tx);
        await count(one, tx);
        return fixture.database.processes.lock(one, tx);
      });

      expect(seen!.state).to.equal('2');
      expect((await read(one))!.state).to.equal('2');
    });

    it('forgets what was saved in a transaction that rolled back', async () => {
      const [begun, unknown] = [aProcess({ state: '1' }), aProcess()];
      await save(begun);

      for (const one of [begun, unknown])
        await rejection(
          transact(async (tx) => {
            await count(one, tx);
            throw new Error('no');
          }),
        );

      expect((await read(begun))!.state).to.equal('1');
      expect(await read(unknown)).to.equal(undefined);
    });

    it('commits it with what else the transaction wrote', async () => {
      const [one, key] = [aProcess(), randomUUID()];

      await transact(async (tx) => {
        await count(one, tx);
        await fixture.write(key, tx);
      });

      expect((await read(one))!.state).to.equal('1');
      expect(await fixture.written()).to.include(key);
    });

    for (const begun of [true, false])
      it(`loses no change of two transactions that ${begun ? 'change' : 'begin'} one process at once`, async () => {
        const one = aProcess({ state: '0' });
        if (begun) await save(one);
        const [hasRead, mayWrite] = [gate(), gate()];
        const first = transact((tx) =>
          count(one, tx, async () => {
            hasRead.open();
            await mayWrite.opened;
          }),
        );
        await hasRead.opened;
        const second = transact((tx) => count(one, tx));
        await sleep(20); // time to come as far as it can before the first ends

        mayWrite.open();
        await Promise.all([first, second]);

        expect((await read(one))!.state).to.equal('2');
      });

    it('loses no change of many transactions that begin one process at once', async () => {
      const one = aProcess();

      await Promise.all(Array.from({ length: 8 }, () => transact((tx) => count(one, tx))));

      expect((await read(one))!.state).to.equal('8');
    });

    it('begins it for the second when the first one rolls back', async () => {
      const one = aProcess();
      const first = await holdTransaction(fixture.database.transactions, (tx) => fixture.database.processes.lock(one, tx));
      const second = transact((tx) => count(one, tx));

      await Promise.all([first.rollBack(), second]);

      expect((await read(one))!.state).to.equal('1');
    });

    it('leaves nothing of a process that was only looked for', async () => {
      const nobodys = aProcess();

      await read(nobodys);

      expect(await find(nobodys)).to.deep.equal([]);
      expect(await fixture.database.processes.names()).not.to.include(nobodys.process);
    });

    it('finds by name, key, status and the state of a step, the longest unchanged first', async () => {
      const { process } = aProcess();
      const begunAt = new Date().toISOString();
      const pending = { step: 'payment', state: 'pending', begunAt, asked: 0 } as const;
      const stuck = { step: 'shipment', state: 'stuck', begunAt, asked: 5, detail: 'no answer' } as const;
      await saveAll(
        aProcess({ process, key: 'a', steps: [pending, stuck] }),
        aProcess({ process, key: 'b', steps: [pending] }),
        aProcess({ process, key: 'c', status: 'compensated', reason: 'declined' }),
        aProcess({ process, key: 'a', status: 'compensating', reason: 'declined', steps: [stuck] }),
      );

      expect(keysOf(await find({ process }))).to.deep.equal(['b', 'c', 'a']);
      expect(keysOf(await find({ process, most: 2 }))).to.deep.equal(['b', 'c']);
      expect(keysOf(await find({ process, key: 'c' }))).to.deep.equal(['c']);
      expect(keysOf(await find({ process, status: 'running' }))).to.deep.equal(['b']);
      expect(keysOf(await find({ process, step: 'pending' }))).to.deep.equal(['b']);
      expect(keysOf(await find({ process, step: 'stuck' }))).to.deep.equal(['a']);
      expect(keysOf(await find({ process, step: 'failed' }))).to.deep.equal([]);
    });

    it('tells all of a process that it finds, when it began and when it changed', async () => {
      const one = aProcess({ state: '1', steps: [{ step: 'payment', state: 'pending', begunAt: new Date().toISOString(), asked: 0 }] });
      await save(one);
      const [begun] = await find(one);
      await sleep(5);
      await save({ ...one, state: '2' });

      const [{ startedAt, changedAt, ...found }] = (await find({ process: one.process })) as [ProcessLine];

      expect(found).to.deep.equal({ ...one, state: '2' });
      expect(startedAt).to.deep.equal(begun!.startedAt);
      expect(changedAt).to.be.greaterThan(begun!.changedAt);
      expect(Math.abs(startedAt.getTime() - Date.now())).to.be.lessThan(60_000);
    });

    it('names once what has processes that are not over', async () => {
      const [running, compensating, over] = [aProcess(), aProcess({ status: 'compensating' }), aProcess({ status: 'completed' })];
      await saveAll(running, { ...running, key: 'another' }, compensating, over);

      const names = await fixture.database.processes.names();

      const ours = new Set([running.process, compensating.process, over.process]);
      expect(names.filter((one) => ours.has(one))).to.deep.equal([running.process, compensating.process].sort());
    });

    it('removes what is over and has not changed for so long, and nothing else', async () => {
      const { process } = aProcess();
      const statuses = ['running', 'compensating', 'completed', 'compensated'] as const;
      for (const status of statuses) await save(aProcess({ process, key: status, status }));
      const other = aProcess({ status: 'completed' });
      await save(other);

      const tooYoung = await remove(process, 60_000);
      await sleep(5);
      const old = await remove(process, 1);

      expect([tooYoung, old, await remove(process, 1)]).to.deep.equal([0, 2, 0]);
      expect(keysOf(await find({ process }))).to.deep.equal(['running', 'compensating']);
      expect(await find(other)).to.have.length(1);
    });

    it('removes no more at once than asked for, until none is left', async () => {
      const { process } = aProcess();
      for (const key of ['a', 'b', 'c']) await save(aProcess({ process, key, status: 'compensated' }));
      await sleep(5);

      expect([await remove(process, 1, 2), await remove(process, 1, 2), await remove(process, 1, 2)]).to.deep.equal([2, 1, 0]);
    });

    it('begins anew what was removed', async () => {
      const one = aProcess({ status: 'completed', state: '7' });
      await save(one);
      await sleep(5);
      await remove(one.process, 1);

      expect(await read(one)).to.equal(undefined);
      await transact((tx) => count(one, tx));
      expect((await read(one))!.state).to.equal('1');
    });
  });
}
