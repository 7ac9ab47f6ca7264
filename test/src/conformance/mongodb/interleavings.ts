import type { Document } from 'bson';
import { expect } from 'chai';
import fc from 'fast-check';
import { after, before, describe, it } from 'mocha';
import { find, insert, remove, uniqueIndex, update } from './commands.js';
import { documentsOf, failureOf, NO_SUCH_TRANSACTION, succeeded, WRITE_CONFLICT, writeErrorOf } from './replies.js';
import type { RawSession, RawTransaction } from './raw-session.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import { SnapshotModel } from './snapshot-model.js';
import type { ModelTransaction, Outcome, Row } from './snapshot-model.js';
import type { TestDatabase } from './test-database.js';

type Act = 'insert' | 'add' | 'move' | 'remove' | 'read' | 'commit' | 'abort' | 'plain';

interface Step {
  readonly actor: number;
  readonly act: Act;
  readonly id: number;
  readonly key: number;
}

const IDS = [0, 1, 2, 3];
const KEYS = 5;
const ACTORS = 4;
const RUNS = 60;

export function interleavings({ open }: Servers): void {
  describe('interleaved transactions', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    before(async () => {
      server = await open();
      db = server.database();
    });
    after(() => server.close());

    it('read, conflict and commit as snapshot isolation has it, whatever the order of their steps', async () => {
      const step: fc.Arbitrary<Step> = fc.record({
        actor: fc.nat(ACTORS - 1),
        act: fc.constantFrom<Act>(
          'insert',
          'insert',
          'add',
          'add',
          'add',
          'move',
          'move',
          'remove',
          'read',
          'read',
          'commit',
          'commit',
          'abort',
          'plain',
        ),
        id: fc.constantFrom(...IDS),
        key: fc.nat(KEYS - 1),
      });
      let turn = 0;

      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
          const collection = `c${(turn += 1)}`;
          succeeded(await db.run(uniqueIndex(collection, { key: 1 })));
          await new Interleaving(db, collection).carryOut(steps);
        }),
        { numRuns: RUNS, interruptAfterTimeLimit: 15_000 },
      );
    });
  });
}

class Interleaving {
  readonly #model = new SnapshotModel(IDS);
  readonly #actors: Actor[];

  constructor(
    private readonly db: TestDatabase,
    private readonly collection: string,
  ) {
    this.#actors = Array.from({ length: ACTORS }, () => new Actor(db.session(), this.#model, collection));
  }

  async carryOut(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.act === 'plain') await this.#writePlainly(step);
      else await this.#actors[step.actor]!.take(step);
      await this.#compareCommitted();
    }
    for (const actor of this.#actors) await actor.take({ actor: 0, act: 'commit', id: 0, key: 0 });
    await this.#compareCommitted();
  }

  /** Outside transactions, and only where nothing open is in the way: it would wait. */
  async #writePlainly({ id, key }: Step): Promise<void> {
    if (this.#model.isInUse(id, key)) return;
    const transaction = this.#model.begin();
    const row = { n: (this.#model.committed(id)?.n ?? 0) + 100, key }; // never the same: a write that changes nothing is none
    const outcomes = transaction.outcomesOf(id, row);

    const reply = await this.db.run(update(this.collection, { _id: id }, { $set: row }, { upsert: true }));

    if (outcomes.has('done')) {
      succeeded(reply);
      transaction.writes.set(id, row);
      this.#model.commit(transaction);
    } else {
      expect(writeErrorOf(reply)['code']).to.equal(11_000);
      this.#model.abort(transaction);
    }
  }

  async #compareCommitted(): Promise<void> {
    const expected = IDS.flatMap((_id) => asDocument(_id, this.#model.committed(_id)));
    expect(await this.db.all(this.collection)).to.deep.equal(expected);
  }
}

/** One client, one transaction after the other. */
class Actor {
  #raw: RawTransaction | undefined;
  #model: ModelTransaction | undefined;

  constructor(
    private readonly session: RawSession,
    private readonly models: SnapshotModel,
    private readonly collection: string,
  ) {}

  async take({ act, id, key }: Step): Promise<void> {
    if (act === 'commit' || act === 'abort') return this.#end(act);
    this.#raw ??= this.session.transaction();
    this.#model ??= this.models.begin();
    const seen = this.#model.read(id);
    if (act === 'insert') await this.#write(insert(this.collection, [{ _id: id, n: 0, key }]), id, { n: 0, key }, true);
    else if (act === 'read') await this.#read(this.#raw, this.#model, key);
    else if (act === 'remove') await this.#write(remove(this.collection, { _id: id }), id, undefined);
    else if (act === 'move') await this.#write(update(this.collection, { _id: id }, { $set: { key } }), id, seen && { ...seen, key });
    else await this.#write(update(this.collection, { _id: id }, { $inc: { n: 1 } }), id, seen && { ...seen, n: seen.n + 1 });
  }

  async #read(raw: RawTransaction, model: ModelTransaction, key: number): Promise<void> {
    const rows = model.readAll();
    const holders = rows.filter(([, row]) => row.key >= key).sort(([, a], [, b]) => b.key - a.key);

    const all = documentsOf(await raw.run(find(this.collection, {}, { sort: { _id: 1 } })));
    const byKey = documentsOf(await raw.run(find(this.collection, { key: { $gte: key } }, { sort: { key: -1 } })));

    expect(all).to.deep.equal(rows.flatMap(([_id, row]) => asDocument(_id, row)));
    expect(byKey).to.deep.equal(holders.flatMap(([_id, row]) => asDocument(_id, row)));
  }

  async #write(command: Document, id: number, row: Row | undefined, inserting = false): Promise<void> {
    const [raw, model] = [this.#raw!, this.#model!];
    const before = model.read(id);
    const matches = inserting || before !== undefined;
    if (!inserting && row && before?.n === row.n && before.key === row.key) return this.#read(raw, model, row.key); // a server need not write
    const outcomes = matches ? model.outcomesOf(id, row, inserting) : new Set<Outcome>(['done']);

    const outcome = outcomeOf(await raw.run(command));

    expect([...outcomes]).to.include(outcome);
    if (outcome === 'done') {
      if (matches) model.writes.set(id, row);
      return;
    }
    expect(failureOf(await raw.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
    this.models.abort(model);
    this.#raw = this.#model = undefined;
  }

  async #end(act: 'commit' | 'abort'): Promise<void> {
    const [raw, model] = [this.#raw, this.#model];
    this.#raw = this.#model = undefined;
    if (!raw || !model) return;
    succeeded(await raw[act]());
    this.models[act](model);
  }
}

function outcomeOf(reply: Document): Outcome {
  if (reply['ok'] === 0) {
    expect(failureOf(reply)).to.deep.equal(WRITE_CONFLICT);
    return 'conflict';
  }
  if (!reply['writeErrors']) return 'done';
  expect(writeErrorOf(reply)['code']).to.equal(11_000);
  return 'duplicate';
}

function asDocument(_id: number, row: Row | undefined): Document[] {
  return row ? [{ _id, n: row.n, key: row.key }] : [];
}
