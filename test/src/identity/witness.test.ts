import type { Dispatcher, Mark, Witness } from '@waybill/core';
import { InMemoryWitness } from '@waybill/core/in-memory';
import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import { failureOf } from '../shop/failure-of.js';
import { dispatcherOn, KeptMark } from './copied-outbox.js';

/** A witness behind a line that can be cut. */
class CutOff implements Witness {
  isAway: 'no' | 'before' | 'after' = 'no';

  constructor(private readonly witness: Witness) {}

  async last(outboxId: string): Promise<Mark | undefined> {
    if (this.isAway !== 'no') throw new Error('nobody answers');
    return this.witness.last(outboxId);
  }

  async record(mark: Mark): Promise<boolean> {
    if (this.isAway === 'before') throw new Error('nobody answers');
    const recorded = await this.witness.record(mark);
    if (this.isAway === 'after') throw new Error('the answer was lost');
    return recorded;
  }
}

describe('a dispatcher with a witness', () => {
  let outbox: KeptMark;
  let witness: InMemoryWitness;
  const running: Dispatcher[] = [];
  beforeEach(() => {
    outbox = new KeptMark();
    witness = new InMemoryWitness();
  });
  afterEach(async () => {
    for (const dispatcher of running.splice(0)) await dispatcher.stop();
  });

  async function start(identity: KeptMark, options: Parameters<typeof dispatcherOn>[2] = {}, its: Witness = witness): Promise<Dispatcher> {
    const dispatcher = dispatcherOn(identity, its, options);
    await dispatcher.start();
    running.push(dispatcher);
    return dispatcher;
  }
  async function startAndStop(identity: KeptMark): Promise<void> {
    await (await start(identity)).stop();
  }
  const witnessed = async (): Promise<bigint | undefined> => (await witness.last((await outbox.mark()).outboxId))?.number;

  it('starts again and again, and leaves a mark at every start and stop', async () => {
    for (let run = 0; run < 3; run++) await startAndStop(outbox);

    expect(outbox.number).to.equal(6n);
    expect(await witnessed()).to.equal(6n);
  });

  it('starts together with others', async () => {
    await Promise.all(Array.from({ length: 5 }, () => start(outbox)));

    expect(await witnessed()).to.equal(outbox.number);
  });

  it('makes a mark from time to time, however many run', async () => {
    await Promise.all(Array.from({ length: 3 }, () => start(outbox, { witnessEveryMs: 5 })));

    await eventually('three more marks', async () => (await witnessed())! >= 4n || undefined);
  });

  it('catches up a witness that was not told of the last mark before a crash', async () => {
    await startAndStop(outbox);
    const line = new CutOff(witness);
    const mark = await outbox.mark();
    await outbox.advance(mark, { ...mark, number: mark.number + 1n, nonce: 'made, and not told' });

    await start(outbox, {}, line);

    expect(await witnessed()).to.equal(outbox.number);
  });

  it('does not start while the witness cannot be asked, and delivers nothing', async () => {
    const line = new CutOff(witness);
    line.isAway = 'before';

    const error = await failureOf('WITNESS_UNAVAILABLE', () => start(outbox, {}, line));

    expect(error.message).to.contain('nobody answers');
    expect(outbox.number).to.equal(0n);
  });

  it('goes on while the witness is away, tells of it, and makes no mark that was not witnessed', async () => {
    const line = new CutOff(witness);
    const dispatcher = await start(outbox, { witnessEveryMs: 5 }, line);
    const troubles: unknown[] = [];
    dispatcher.on('trouble', ({ doing, error }) => troubles.push([doing, (error as { code: string }).code]));

    line.isAway = 'after';
    await eventually('several troubles', async () => troubles.length >= 3 || undefined);
    const atMost = ((await witnessed()) ?? 0n) + 1n;
    line.isAway = 'no';

    expect(outbox.number <= atMost).to.equal(true);
    expect(troubles[0]).to.deep.equal(['comparing the outbox with its witness', 'WITNESS_UNAVAILABLE']);
    await eventually('marks again', async () => (await witnessed())! > atMost || undefined);
  });

  it('refuses an outbox that was restored to a moment before its last mark', async () => {
    await startAndStop(outbox);
    const backup = outbox.copy();
    await startAndStop(outbox);

    const error = await failureOf('DATABASE_REPLACED', () => start(backup));

    expect(error.message).to.contain('its last mark is number 2, and the witness has seen number 4').and.to.contain('database.adopt()');
  });

  it('refuses an outbox that was restored to a moment between its last mark in a run and its stop', async () => {
    const dispatcher = await start(outbox);
    const backup = outbox.copy();
    await dispatcher.stop();

    await failureOf('DATABASE_REPLACED', () => start(backup));
  });

  it('refuses a snapshot of a running system beside it', async () => {
    await start(outbox, { witnessEveryMs: 5 });
    const snapshot = outbox.copy();
    await eventually('one more mark', async () => outbox.number > snapshot.number || undefined);

    await failureOf('DATABASE_REPLACED', () => start(snapshot));
  });

  it('refuses a copy whose original has made another mark of the same number', async () => {
    await startAndStop(outbox);
    const [one, other] = [outbox.copy(), outbox.copy()];
    const mark = await other.mark();
    await other.advance(mark, { ...mark, number: mark.number + 1n, nonce: 'made, and not told' });
    const { number } = other;
    await start(one);
    expect(one.number).to.equal(number);

    const error = await failureOf('DATABASE_REPLACED', () => start(other));

    expect(error.message).to.contain(`mark number ${number} is not the one`);
  });

  it('stops when a clone of its outbox has started before its next mark, and has a person told', async () => {
    const told: string[] = [];
    const notify = { notify: async ({ kind, text }: { kind: string; text: string }) => void told.push(`${kind}: ${text}`) };
    const original = await start(outbox, { witnessEveryMs: 20, notify });
    const troubles: unknown[] = [];
    const stopped = new Promise<void>((resolve) => original.on('stopped', () => resolve()));
    original.on('trouble', ({ error }) => troubles.push((error as { code: string }).code));
    const clone = outbox.copy();

    await start(clone);
    await stopped;

    expect(troubles).to.deep.equal(['DATABASE_REPLACED']);
    await eventually('an alarm', async () => told.find((alarm) => /^database-replaced: .*the witness has seen/.test(alarm)));
    await failureOf('DATABASE_REPLACED', () => original.start());
  });

  it('refuses a witness that has never seen an outbox that is not new', async () => {
    await startAndStop(outbox);
    await startAndStop(outbox);

    const error = await failureOf('WITNESS_BEHIND', () => start(outbox, {}, new InMemoryWitness()));

    expect(error.message).to.contain('number 4').and.to.contain('none of them');
  });

  it('refuses a witness that was restored to an older state', async () => {
    await startAndStop(outbox);
    const older = new InMemoryWitness();
    const { outboxId } = await outbox.mark();
    await older.record({ outboxId, number: 0n, nonce: 'as it was' });
    await startAndStop(outbox);

    await failureOf('WITNESS_BEHIND', () => start(outbox, {}, older));
  });
});
