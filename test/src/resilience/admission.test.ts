import { expect } from 'chai';
import { Admission } from '@waybill/resilience';
import type { Entry } from '@waybill/resilience';
import { eventually } from '@waybill/testing';

describe('the door of a server', () => {
  const leave = (entry: Entry): void => {
    if (!entry.admitted) expect.fail(`was turned away by ${entry.by}`);
    entry.leave();
  };

  it('lets so many in at once, tells the others to come back, and lets in again who comes when one has left', () => {
    const door = new Admission({ concurrency: 2 });
    const [first, second] = [door.enter(), door.enter()];

    expect(door.enter()).to.deep.equal({ admitted: false, by: 'concurrency', retryAfterMs: 1_000 });
    leave(first);
    const third = door.enter();

    expect(door.enter()).to.include({ admitted: false });
    for (const one of [second, third]) leave(one);
    expect([door.enter(), door.enter(), door.enter()].map(({ admitted }) => admitted)).to.deep.equal([true, true, false]);
  });

  it('lets a burst in, and tells when the next token is there', async () => {
    const door = new Admission({ concurrency: false, rate: { limit: 10, perMs: 1_000, burst: 3 } });

    expect([1, 2, 3].map(() => door.enter().admitted)).to.deep.equal([true, true, true]);
    const entry = door.enter();

    expect(entry).to.include({ admitted: false, by: 'rate' });
    expect(entry).to.have.property('retryAfterMs').that.is.within(1, 100);
    await eventually('a token is there', async () => (door.enter().admitted ? true : undefined));
  });

  it('takes no token from who finds no place', () => {
    const door = new Admission({ concurrency: 1, rate: { limit: 1, perMs: 3_600_000, burst: 2 } });
    const first = door.enter();
    for (let nth = 0; nth < 5; nth++) expect(door.enter()).to.include({ by: 'concurrency' });

    leave(first);

    expect(door.enter()).to.include({ admitted: true });
  });

  it('lets everybody in where nothing is limited', () => {
    const door = new Admission({ concurrency: false });

    expect(Array.from({ length: 1_000 }, () => door.enter().admitted)).not.to.include(false);
  });
});
