import type {
  DueTimeout,
  ProcessKey,
  ProcessLine,
  ProcessQuery,
  ProcessStore,
  RemoveProcessesOptions,
  StoredProcess,
  TimeoutNames,
  TimeoutToSet,
} from '@waybill/core';
import { MaxKey } from 'mongodb';
import type { Filter } from 'mongodb';
import { literally } from './literally.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBTransactions } from './mongodb-transactions.js';
import type { MongoDBTx } from './mongodb-tx.js';
import { requireOpen } from './require-open.js';
import { serverTime } from './server-time.js';
import type { ProcessDocument, StartedProcessDocument, TimeoutDocument } from './stored-documents.js';

const OVER = ['completed', 'compensated'] as const;
const AT_ONCE = 1_000;

/**
 * One document a process, and one a time-out. A process is locked by a write of its document, so of two transactions the second conflicts, and
 * comes again; also where there is none yet: then the lock is a document without a status, which nobody is shown.
 */
export class MongoDBProcesses implements ProcessStore<MongoDBTx> {
  constructor(
    private readonly collections: MongoDBCollections,
    private readonly transactions: MongoDBTransactions,
  ) {}

  async lock(key: ProcessKey, tx: MongoDBTx): Promise<StoredProcess | undefined> {
    requireOpen(tx);
    const { session } = tx;
    const locked = await this.collections.processes.findOneAndUpdate(
      { _id: keyOf(key) },
      { $inc: { locks: 1 }, $currentDate: { lockedAt: true } },
      { session, upsert: true, returnDocument: 'after' },
    );
    return isStarted(locked) ? storedProcess(locked) : undefined;
  }

  async save({ process, key, ...saved }: StoredProcess, tx: MongoDBTx): Promise<void> {
    requireOpen(tx);
    const { session } = tx;
    const { status, reason = null, state, schemaVersion, steps, correlationId } = saved;
    await this.collections.processes.updateOne(
      { _id: keyOf({ process, key }) },
      [
        {
          $set: {
            ...{ status, reason: { $literal: reason }, state: { $literal: state }, schemaVersion, steps: { $literal: steps } },
            ...{ correlationId: { $literal: correlationId }, startedAt: { $ifNull: ['$startedAt', '$$NOW'] }, changedAt: '$$NOW' },
          },
        },
      ],
      { session, upsert: true },
    );
  }

  async schedule({ id, afterMs, ...timeout }: TimeoutToSet, tx: MongoDBTx): Promise<void> {
    requireOpen(tx);
    const { session } = tx;
    await this.collections.timeouts.updateOne(
      { _id: timeoutKeyOf(timeout) },
      [{ $set: { id: { $literal: id }, dueAt: { $add: ['$$NOW', afterMs] } } }],
      { session, upsert: true },
    );
  }

  async cancel(key: ProcessKey, timeout: string | undefined, tx: MongoDBTx): Promise<void> {
    requireOpen(tx);
    const { session } = tx;
    const cancelled: Filter<TimeoutDocument> = timeout === undefined ? timeoutsOf(key) : { _id: timeoutKeyOf({ ...key, timeout }) };
    await this.collections.timeouts.deleteMany(cancelled, { session });
  }

  async due(processes: readonly string[], most: number, names?: TimeoutNames): Promise<readonly DueTimeout[]> {
    if (processes.length === 0 || most <= 0) return []; // the server takes a limit of 0 for none at all
    try {
      const now = await serverTime(this.collections);
      const due = await this.collections.timeouts
        .find({ '_id.process': { $in: processes }, dueAt: { $lte: now }, ...(names && { '_id.timeout': named(names) }) })
        .sort({ dueAt: 1, _id: 1 })
        .limit(most)
        .toArray();
      return due.map(({ _id, id, dueAt }) => ({ ..._id, id, dueAt }));
    } catch (error) {
      throw translate(error);
    }
  }

  async take({ id, ...due }: DueTimeout, tx: MongoDBTx): Promise<boolean> {
    requireOpen(tx);
    const { session } = tx;
    const { deletedCount } = await this.collections.timeouts.deleteOne({ _id: timeoutKeyOf(due), id }, { session });
    return deletedCount === 1;
  }

  async find({ process, key, status, step, most }: ProcessQuery): Promise<readonly ProcessLine[]> {
    const filter: Filter<ProcessDocument> = {
      status: status ?? { $exists: true },
      ...(process !== undefined && { '_id.process': process }),
      ...(key !== undefined && { '_id.key': key }),
      ...(step !== undefined && { 'steps.state': step }),
    };
    try {
      const found = await this.collections.processes.find(filter).sort({ changedAt: 1, _id: 1 }).limit(most).toArray();
      return found.filter(isStarted).map((one) => ({ ...storedProcess(one), startedAt: one.startedAt, changedAt: one.changedAt }));
    } catch (error) {
      throw translate(error);
    }
  }

  async names(): Promise<readonly string[]> {
    try {
      const names = (await this.collections.processes.distinct('_id.process', { status: { $exists: true, $nin: [...OVER] } })) as string[];
      return names.sort();
    } catch (error) {
      throw translate(error);
    }
  }

  async remove({ process, olderThanMs, most }: RemoveProcessesOptions): Promise<number> {
    try {
      const before = new Date((await serverTime(this.collections)).getTime() - olderThanMs);
      await this.#removeSome({ '_id.process': process, status: { $exists: false }, lockedAt: { $lte: before } }, AT_ONCE);
      let removed = 0;
      for (let more = true; more && removed < most;) {
        const limit = Math.min(AT_ONCE, most - removed);
        const count = await this.#removeSome({ '_id.process': process, status: { $in: OVER }, changedAt: { $lte: before } }, limit);
        removed += count;
        more = count === limit;
      }
      return removed;
    } catch (error) {
      throw translate(error);
    }
  }

  /** In one transaction: a process that goes on meanwhile keeps its time-outs. */
  async #removeSome(filter: Filter<ProcessDocument>, most: number): Promise<number> {
    const { processes, timeouts } = this.collections;
    return this.transactions.run(async ({ session }) => {
      const options = { session, projection: { _id: 1 } };
      const found = await processes.find(filter, options).sort({ changedAt: 1 }).limit(most).toArray();
      if (found.length === 0) return 0;
      await processes.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } }, { session });
      await timeouts.bulkWrite(
        found.map(({ _id }) => ({ deleteMany: { filter: timeoutsOf(_id) } })),
        { session, ordered: false },
      );
      return found.length;
    });
  }
}

// The key order counts: it is part of the value.
const keyOf = ({ process, key }: ProcessKey): ProcessDocument['_id'] => ({ process, key });

const timeoutKeyOf = ({ process, key, timeout }: ProcessKey & { readonly timeout: string }): TimeoutDocument['_id'] => ({
  ...keyOf({ process, key }),
  timeout,
});

function named({ prefix, without = false }: TimeoutNames): { readonly $regex: string } | { readonly $not: { readonly $regex: string } } {
  const begins = { $regex: `^${literally(prefix)}` };
  return without ? { $not: begins } : begins;
}

/** As a range of the keys. */
const timeoutsOf = (key: ProcessKey): Filter<TimeoutDocument> => ({
  _id: { $gte: timeoutKeyOf({ ...key, timeout: '' }), $lt: { ...keyOf(key), timeout: new MaxKey() as never } },
});

const isStarted = (stored: ProcessDocument | null): stored is StartedProcessDocument => stored?.status !== undefined;

const storedProcess = ({ _id, status, reason, state, schemaVersion, steps, correlationId }: StartedProcessDocument): StoredProcess => ({
  ..._id,
  ...{ status, reason: reason ?? undefined, state, schemaVersion, steps, correlationId },
});
