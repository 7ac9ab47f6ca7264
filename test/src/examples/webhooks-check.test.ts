import { verdictOn } from '@waybill/example-webhooks';
import type { CustomerTotals, Verdict } from '@waybill/example-webhooks';
import { expect } from 'chai';

const one: CustomerTotals = { customerId: 'c-1', orders: 2, messages: 5, totalCents: 900 };
const other: CustomerTotals = { customerId: 'c-2', orders: 1, messages: 1, totalCents: 100 };
const COMMITTED = 6;

describe('the check at the end of the webhooks demo', () => {
  const verdict = (receiver: readonly CustomerTotals[], committed = COMMITTED): Verdict => verdictOn([one, other], receiver, committed);

  it('finds nothing where nothing is wrong, in whatever order', () => {
    const sums = { customers: 2, orders: 3, messages: 6, totalCents: 1_000 };

    expect(verdict([other, one])).to.deep.equal({ shop: sums, receiver: sums, differing: 0, examples: [], ok: true });
  });

  it('notices a customer whose message was handled twice, though the sum is right', () => {
    expect(verdict([{ ...one, messages: 6 }, other])).to.deep.include({
      ok: false,
      differing: 1,
      examples: ['c-1: the shop has 2 orders, 5 messages, 900 cents, the receiver 2 orders, 6 messages, 900 cents'],
    });
  });

  it('notices sums that are wrong where all sums together are right', () => {
    expect(
      verdict([
        { ...one, totalCents: 899 },
        { ...other, totalCents: 101 },
      ]),
    ).to.include({ ok: false, differing: 2 });
  });

  it('notices customers that one side does not know', () => {
    const { ok, examples } = verdict([one, { ...other, customerId: 'c-3' }]);

    expect(ok).to.equal(false);
    expect(examples).to.deep.equal([
      'c-2: the shop has 1 orders, 1 messages, 100 cents, the receiver nothing',
      'c-3: the shop has nothing, the receiver 1 orders, 1 messages, 100 cents',
    ]);
  });

  it('notices what is missing on both sides', () => {
    expect(verdict([one, other], COMMITTED + 1)).to.include({ ok: false, differing: 0 });
  });
});
