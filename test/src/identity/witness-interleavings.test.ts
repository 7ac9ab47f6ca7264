import { setImmediate } from 'node:timers/promises';
import type { Mark, OutboxIdentity, Witness } from '@waybill/core';
import { InMemoryWitness } from '@waybill/core/in-memory';
import { expect } from 'chai';
import { dispatcherOn, KeptMark } from './copied-outbox.js';
import { seededRandom } from './seeded-random.js';

const ROUNDS = 50;
const PROCESSES = 4;

/** One process's way to both: each call takes a while, and may be the last that the process does, before it has effect or after. */
class Line implements OutboxIdentity, Witness {
  constructor(
    private readonly outbox: OutboxIdentity,
    private readonly witness: Witness,
    private readonly random: () => number,
    private readonly crashes: boolean,
  ) {}

  mark = (): Promise<Mark> => this.#through(() => this.outbox.mark());
  advance = (from: Mark, to: Mark): Promise<boolean> => this.#through(() => this.outbox.advance(from, to));
  last = (outboxId: string): Promise<Mark | undefined> => this.#through(() => this.witness.last(outboxId));
  record = (mark: Mark): Promise<boolean> => this.#through(() => this.witness.record(mark));

  async #through<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    await this.#turns();
    const fate = this.crashes ? this.random() : 1;
    if (fate < 0.05) throw new Error('cut off before');
    const answer = await call();
    await this.#turns();
    if (fate < 0.1) throw new Error('cut off after');
    return answer;
  }

  async #turns(): Promise<void> {
    for (let turns = Math.floor(this.random() * 4); turns > 0; turns--) await setImmediate();
  }
}

describe('processes that compare one outbox with its witness, in whatever order', () => {
  for (const crashes of [false, true]) {
    it(`never take each other for a restore${crashes ? ', also when they are cut off anywhere' : ''}`, async () => {
      for (let seed = 1; seed <= ROUNDS; seed++) {
        const random = seededRandom(seed);
        const [outbox, witness] = [new KeptMark(), new InMemoryWitness()];
        const live = async (): Promise<unknown> => {
          const line = new Line(outbox, witness, random, crashes);
          const dispatcher = dispatcherOn(line, line);
          const troubles: unknown[] = [];
          dispatcher.on('trouble', ({ error }) => troubles.push(error));
          for (let run = 0; run < 2; run++) {
            await dispatcher.start().catch((error: unknown) => troubles.push(error));
            await dispatcher.stop();
          }
          return troubles.map((error) => (error as { code?: string }).code);
        };

        const codes = (await Promise.all(Array.from({ length: PROCESSES }, live))).flat();

        const expected = new Set(crashes ? ['WITNESS_UNAVAILABLE', undefined] : []);
        expect(
          codes.filter((code) => !expected.has(code as string), `seed ${seed}`),
          `seed ${seed}`,
        ).to.deep.equal([]);
        const last = await witness.last((await outbox.mark()).outboxId);
        expect(outbox.number - (last?.number ?? -1n) <= 1n, `seed ${seed}`).to.equal(true);
      }
    });
  }
});
