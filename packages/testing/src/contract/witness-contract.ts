import { randomUUID } from 'node:crypto';
import type { Mark, Witness } from '@waybill/core';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';

export interface WitnessFixture {
  readonly witness: Witness;
  /** The same witness, as another process would open it. Default: the first one again. */
  another?(): Promise<Witness>;
  close(): Promise<void>;
}

/** The suite of a witness outside the database. */
export function witnessContract(name: string, open: () => Promise<WitnessFixture>): void {
  describe(`the witness "${name}"`, () => {
    let fixture: WitnessFixture;
    let witness: Witness;
    before(async () => {
      fixture = await open();
      ({ witness } = fixture);
    });
    after(() => fixture?.close());

    const aMark = (number: bigint, outboxId: string): Mark => ({ outboxId, number, nonce: randomUUID() });
    /** Records marks 0 to `last`. */
    async function recorded(last: bigint): Promise<Mark> {
      const outboxId = randomUUID();
      for (let number = 0n; ; number++) {
        const mark = aMark(number, outboxId);
        expect(await witness.record(mark)).to.equal(true);
        if (number === last) return mark;
      }
    }

    it('knows nothing of an outbox that it has not seen', async () => {
      expect(await witness.last(randomUUID())).to.equal(undefined);
    });

    it('tells the last mark that was recorded, in another process too', async () => {
      const last = await recorded(3n);

      expect(await witness.last(last.outboxId)).to.deep.equal(last);
      expect(await ((await fixture.another?.()) ?? witness).last(last.outboxId)).to.deep.equal(last);
    });

    it('takes the same mark again', async () => {
      const last = await recorded(1n);

      expect(await witness.record(last)).to.equal(true);
      expect(await witness.last(last.outboxId)).to.deep.equal(last);
    });

    it('refuses another mark of the same number', async () => {
      const last = await recorded(1n);

      expect(await witness.record(aMark(1n, last.outboxId))).to.equal(false);
      expect(await witness.last(last.outboxId)).to.deep.equal(last);
    });

    it('refuses a mark that is older, or not right behind the last', async () => {
      const last = await recorded(2n);

      expect(await witness.record(aMark(0n, last.outboxId))).to.equal(false);
      expect(await witness.record(aMark(4n, last.outboxId))).to.equal(false);
      expect(await witness.last(last.outboxId)).to.deep.equal(last);
    });

    it('refuses a first mark that is not number 0', async () => {
      const outboxId = randomUUID();

      expect(await witness.record(aMark(1n, outboxId))).to.equal(false);
      expect(await witness.last(outboxId)).to.equal(undefined);
    });

    it('lets one of several racers record a number', async () => {
      const { outboxId } = await recorded(0n);
      const other = (await fixture.another?.()) ?? witness;
      const marks = [aMark(1n, outboxId), aMark(1n, outboxId), aMark(1n, outboxId)];

      const answers = await Promise.all(marks.map((mark, nth) => (nth === 1 ? other : witness).record(mark)));

      expect(answers.filter(Boolean)).to.have.length(1);
      expect(await witness.last(outboxId)).to.deep.equal(marks[answers.indexOf(true)]);
    });

    it('keeps outboxes apart', async () => {
      const [one, other] = [await recorded(0n), await recorded(2n)];

      expect(await witness.last(one.outboxId)).to.deep.equal(one);
      expect(await witness.last(other.outboxId)).to.deep.equal(other);
    });
  });
}
