import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { race } from '@waybill/testing';
import { brokenDatabase, overlay } from './broken-database.js';
import { naiveReading } from './broken-reading.js';

describe('the race', () => {
  it('counts nothing wrong where nothing is', async () => {
    const fixture = await brokenDatabase(() => ({}))();

    const { committed, delivered, ...wrong } = await race({ fixture, events: 500, foreignTransactionMs: 20 });

    expect(wrong).to.deep.equal({ lost: 0, inversions: 0, gaps: 0, duplicates: 0, phantoms: 0, causalInversions: 0 });
    expect(delivered).to.equal(committed).and.at.least(500);
  });

  it('counts what a reader by position loses', async () => {
    const fixture = await brokenDatabase(naiveReading('by position'))();

    const { committed, delivered, lost } = await race({ fixture, events: 500, order: 'global' });

    expect(lost)
      .to.be.above(0)
      .and.equal(committed - delivered);
  });

  it('counts what a reader by transaction turns round', async () => {
    const fixture = await brokenDatabase(naiveReading('by transaction'))();

    const { inversions, gaps } = await race({ fixture, events: 500, order: 'global' });

    expect(inversions).to.be.above(0);
    expect(gaps).to.be.above(0);
  });

  it('counts effects that come before their causes, and messages that come again', async () => {
    const fixture = await brokenDatabase((real) => ({
      lanes: overlay(real.lanes, {
        read: async (options) => {
          await sleep(30); // pages that hold causes and effects
          const page = await real.lanes.read(options);
          return { ...page, rows: [...page.rows, ...page.rows.slice(0, 1)].reverse() };
        },
      }),
    }))();

    const { causalInversions, duplicates, lost } = await race({ fixture, events: 500, order: 'global' });

    expect(causalInversions).to.be.above(0);
    expect(duplicates).to.be.above(0);
    expect(lost).to.equal(0);
  });

  it('ends with the error of a writer that failed', async () => {
    const fixture = await brokenDatabase(() => ({}))();
    let writes = 0;
    const failing = { ...fixture, write: async (): Promise<void> => (++writes > 20 ? Promise.reject(new Error('disk full')) : undefined) };

    const outcome = await race({ fixture: failing }).catch((error: Error) => error.message);

    expect(outcome).to.equal('disk full');
  });
});
