import { expect } from 'chai';
import { databaseContract } from '@waybill/testing';
import type { Capabilities } from '@waybill/testing';
import { brokenDatabase } from './broken-database.js';
import { historyDefects } from './defects/history-defects.js';
import { laneDefects } from './defects/lane-defects.js';
import { limitDefects } from './defects/limit-defects.js';
import { operationsDefects } from './defects/operations-defects.js';
import { orderingDefects } from './defects/ordering-defects.js';
import { outboxDefects } from './defects/outbox-defects.js';
import { processDefects } from './defects/process-defects.js';
import { retentionDefects } from './defects/retention-defects.js';
import { routeDefects } from './defects/route-defects.js';
import { settlementDefects } from './defects/settlement-defects.js';
import { stoppedStreamDefects } from './defects/stopped-stream-defects.js';
import { storeDefects } from './defects/store-defects.js';
import { subscriptionDefects } from './defects/subscription-defects.js';
import { runKit } from './run-kit.js';

const defects = [
  ...orderingDefects,
  ...outboxDefects,
  ...laneDefects,
  ...settlementDefects,
  ...stoppedStreamDefects,
  ...retentionDefects,
  ...historyDefects,
  ...routeDefects,
  ...operationsDefects,
  ...storeDefects,
  ...subscriptionDefects,
  ...limitDefects,
  ...processDefects,
];
const capabilities: Capabilities = { conflicts: 'at-append', processes: false };

describe('the contract kit', () => {
  for (const { defect, plant, noticedBy } of defects) {
    it(`notices a database that ${defect}: "${noticedBy}"`, async () => {
      const verdict = await runKit(
        () =>
          databaseContract('broken', brokenDatabase(plant), capabilities, { raceEvents: 150, foreignTransactionMs: 50, interleavings: 60 }),
        noticedBy,
      );

      expect(verdict.failed.map(({ title }) => title).join('\n')).to.include(noticedBy);
    }).timeout(30_000);
  }

  it('finds nothing wrong with the one that the broken ones are made of', async () => {
    const verdict = await runKit(() =>
      databaseContract(
        'whole',
        brokenDatabase(() => ({})),
        capabilities,
        { raceEvents: 150, foreignTransactionMs: 50, interleavings: 2 },
      ),
    );

    expect(verdict.failed).to.deep.equal([]);
    for (const { noticedBy } of defects) expect(verdict.passed.join('\n')).to.include(noticedBy);
  }).timeout(60_000);
});
