import type { Mark, Witness } from '@waybill/core';
import { InMemoryWitness } from '@waybill/core/in-memory';
import { witnessContract } from '@waybill/testing';
import { expect } from 'chai';
import { runKit } from './run-kit.js';

/** A witness that remembers whatever it is told. */
class Gullible implements Witness {
  readonly #last = new Map<string, Mark>();

  last(outboxId: string): Promise<Mark | undefined> {
    return Promise.resolve(this.#last.get(outboxId));
  }

  record(mark: Mark): Promise<boolean> {
    this.#last.set(mark.outboxId, mark);
    return Promise.resolve(true);
  }
}

/** Looks first and writes later, as somebody does who has no compare and set. */
class Slow extends InMemoryWitness {
  readonly #marks = new Gullible();

  override last(outboxId: string): Promise<Mark | undefined> {
    return this.#marks.last(outboxId);
  }

  override async record(mark: Mark): Promise<boolean> {
    const last = await this.last(mark.outboxId);
    await new Promise(setImmediate);
    if (last?.nonce === mark.nonce) return true;
    return mark.number === (last?.number ?? -1n) + 1n && this.#marks.record(mark);
  }
}

const defects: readonly { readonly defect: string; readonly plant: () => Witness; readonly noticedBy: string }[] = [
  { defect: 'believes everybody', plant: () => new Gullible(), noticedBy: 'refuses another mark of the same number' },
  { defect: 'believes everybody', plant: () => new Gullible(), noticedBy: 'refuses a mark that is older, or not right behind the last' },
  { defect: 'believes everybody', plant: () => new Gullible(), noticedBy: 'refuses a first mark that is not number 0' },
  { defect: 'looks first and writes later', plant: () => new Slow(), noticedBy: 'lets one of several racers record a number' },
  {
    defect: 'refuses what it has recorded',
    plant: () => {
      const witness = new InMemoryWitness();
      const last = (outboxId: string): Promise<Mark | undefined> => witness.last(outboxId);
      return { last, record: async (mark) => (await last(mark.outboxId))?.nonce !== mark.nonce && witness.record(mark) };
    },
    noticedBy: 'takes the same mark again',
  },
];

describe('the kit of witnesses', () => {
  for (const { defect, plant, noticedBy } of defects) {
    it(`notices one that ${defect}: "${noticedBy}"`, async () => {
      const verdict = await runKit(() => witnessContract('broken', async () => ({ witness: plant(), close: async () => {} })), noticedBy);

      expect(verdict.failed.map(({ title }) => title).join('\n')).to.include(noticedBy);
    });
  }
});
