import { expect } from 'chai';
import { ArrivalLog } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { failureOf } from '../shop/failure-of.js';
import { losingAnswers } from '../shop/losing-answers.js';
import type { Fate } from '../shop/losing-answers.js';
import { aParcel, ParcelShipped } from './parcels.js';
import { take } from './reception.js';

describe('an arrival whose commit is not answered', () => {
  const database = new InMemoryDatabase();
  const logLosing = (fate: Fate): { readonly log: ArrivalLog<InMemoryTx>; readonly asked: readonly string[] } => {
    const lossy = losingAnswers(database, fate);
    return { log: new ArrivalLog<InMemoryTx>({ name: 'parcels', database: lossy, catalogue: [ParcelShipped] }), asked: lossy.asked };
  };
  const whole = new ArrivalLog<InMemoryTx>({ name: 'parcels', database, catalogue: [ParcelShipped] });

  it('is found out to be committed, and answered as accepted', async () => {
    const [{ log, asked }, parcel] = [logLosing('committed'), aParcel('found')];

    expect(await take(log, parcel)).to.equal('accepted');
    expect(asked).to.have.length(1);
    expect(await take(whole, parcel)).to.equal('duplicate');
  });

  it('is found out to be rolled back, and taken by the next try', async () => {
    const [{ log }, parcel] = [logLosing('rolled-back'), aParcel('lost')];

    await failureOf('DATABASE_UNAVAILABLE', () => take(log, parcel));

    expect(await take(whole, parcel)).to.equal('accepted');
  });

  it('is answered as not known where nobody can tell, and is a duplicate if it was accepted', async () => {
    const [{ log }, parcel] = [logLosing('unknown'), aParcel('unknown')];

    await failureOf('COMMIT_OUTCOME_UNKNOWN', () => take(log, parcel));

    expect(await take(whole, parcel)).to.equal('duplicate');
  });
});
