import { randomUUID } from 'node:crypto';
import { ConcurrencyError, laneOf, PayloadTooLargeError } from '@waybill/core';
import type { Appended, HeadAndTail, MessageToAppend, OutboxStore, StreamAppend } from '@waybill/core';
import type { ClientSession } from 'mongodb';
import { appendWrites, asTransient } from './append-writes.js';
import type { AppendWrites, HeadWrite } from './append-writes.js';
import { isRefusedBulkWrite, takesBulkWrite } from './bulk-write.js';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { codeOf } from './mongodb-errors.js';
import type { MongoDBTransactions } from './mongodb-transactions.js';
import type { MongoDBTx } from './mongodb-tx.js';
import { requireOpen } from './require-open.js';
import { refuseUnmigrated } from './schema/identity.js';
import { refuseStandAlone } from './schema/topology.js';
import { SERVER_FILLS_IN } from './stored-documents.js';
import { storedMessage } from './stored-message.js';
import type { OutboxDocument } from './stored-documents.js';
import { transactionId } from './transaction-id.js';

/** A move of a stream's head, from where it must be to where it goes. */
interface Move {
  readonly append: StreamAppend;
  readonly from: bigint | undefined;
  readonly first: bigint;
  readonly head: bigint;
}

const CONVERSION_FAILURE = 241;
const WRITE_CONFLICT = 112;
const MOST_DOCUMENT_BYTES = 15 * 1024 * 1024; // MongoDB takes 16 MiB; the rest is room for everything but the payload
const MOST_BYTES_A_CHARACTER = 3;

/** Appends by moving the heads and inserting the messages. The sequencer gives them their places after the commit. */
export class MongoDBOutbox implements OutboxStore<MongoDBTx> {
  #writes: Promise<AppendWrites> | undefined;
  /** Moves that met another transaction in an earlier run, by session. */
  readonly #contended = new WeakMap<ClientSession, readonly Move[]>();

  constructor(
    private readonly collections: MongoDBCollections,
    private readonly transactions: MongoDBTransactions,
  ) {}

  async append(appends: readonly StreamAppend[], tx: MongoDBTx): Promise<Appended> {
    requireOpen(tx);
    const write = await this.#prepared();
    if (appends.length === 0) return { transactionId: await this.#mark(tx), firstRevisions: [] };
    refuseTooLarge(appends);
    const heads = await this.#headsOf(
      appends.filter(({ expected }) => expected === 'any').map(({ stream }) => stream),
      tx.session,
    );
    const moves = appends.map((append) => moveOf(append, heads));
    const documents = moves.flatMap((move) => documentsOf(move, this.collections.laneCount));
    await this.#write(write, moves, documents, tx);
    const { _id, id } = documents[0]!;
    return {
      transactionId: transactionId({ message: { id, stream: _id.stream, revision: String(_id.revision) } }),
      firstRevisions: moves.map(({ first }) => first),
    };
  }

  async headAndTail(stream: string, from: bigint, { session }: MongoDBTx): Promise<HeadAndTail> {
    // Two reads of one snapshot.
    const head = await this.collections.streams.findOne({ _id: stream }, { session });
    if (head?.revision === undefined) return { head: undefined, tail: [] };
    const tail = await this.collections.outbox
      .find({ _id: { $gte: { stream, revision: int64(from) }, $lte: { stream, revision: head.revision } } }, { session })
      .sort({ _id: 1 })
      .toArray();
    return { head: head.revision.toBigInt(), tail: tail.map(storedMessage) };
  }

  /** Once a process: MongoDB would make missing collections in silence, and another number of lanes would tear streams apart. */
  #prepared(): Promise<AppendWrites> {
    this.#writes ??= this.#prepare().catch((error: unknown) => {
      this.#writes = undefined;
      throw error;
    });
    return this.#writes;
  }

  async #prepare(): Promise<AppendWrites> {
    const { maxWireVersion } = await refuseStandAlone(this.collections);
    await refuseUnmigrated(this.collections);
    return appendWrites(this.collections, await takesBulkWrite(this.collections, maxWireVersion));
  }

  async #mark({ session }: MongoDBTx): Promise<string> {
    const mark = randomUUID();
    await this.collections.marks.insertOne({ _id: mark, at: SERVER_FILLS_IN() }, { session });
    return transactionId({ mark });
  }

  async #headsOf(streams: readonly string[], session?: ClientSession): Promise<ReadonlyMap<string, bigint>> {
    if (streams.length === 0) return new Map();
    const heads = await this.collections.streams.find({ _id: { $in: [...streams] } }, { session }).toArray();
    return new Map(heads.flatMap(({ _id, revision }) => (revision === undefined ? [] : [[_id, revision.toBigInt()] as const])));
  }

  async #write(write: AppendWrites, moves: readonly Move[], documents: readonly OutboxDocument[], { session }: MongoDBTx): Promise<void> {
    this.#refuseWhatMovedMeanwhile(moves, session);
    // In name order, so that of two transactions with the same streams one meets the other at its first.
    const sorted = [...moves].sort((one, other) => (one.append.stream < other.append.stream ? -1 : 1));
    try {
      await write(sorted.map(headWrite), documents, session);
    } catch (error) {
      if (isRefusedBulkWrite(error)) {
        this.#writes = undefined; // a member of another version, or of another compatibility version, is the primary now
        throw asTransient(error);
      }
      if (codeOf(error) === CONVERSION_FAILURE) throw await this.#moved(sorted, error);
      if (codeOf(error) === WRITE_CONFLICT && this.transactions.owns(session)) await this.#contend(sorted, session, error);
      throw error;
    }
  }

  /**
   * After a write conflict the driver runs the work again, and the work would decide anew behind its caller's back. Where the stream has
   * moved, the caller is told so, as on any database. Where the other transaction is still open, that is seen at the next run. In a
   * session of the application's own the driver's way is left alone.
   */
  async #contend(moves: readonly Move[], session: ClientSession, cause: unknown): Promise<void> {
    const exact = moves.filter(({ append }) => append.expected !== 'any');
    const heads = await this.#headsOf(exact.map(({ append }) => append.stream));
    const moved = exact.find(({ append, from }) => heads.get(append.stream) !== from);
    if (moved) throw conflictOf(moved, heads.get(moved.append.stream), cause);
    this.#contended.set(session, [...(this.#contended.get(session) ?? []), ...exact]);
  }

  #refuseWhatMovedMeanwhile(moves: readonly Move[], session: ClientSession): void {
    const now = new Map(moves.map(({ append, from }) => [append.stream, from]));
    for (const before of this.#contended.get(session) ?? []) {
      const { stream } = before.append;
      if (now.has(stream) && now.get(stream) !== before.from) throw conflictOf(before, now.get(stream));
    }
  }

  /** Where the stream is, is looked up outside the transaction, which the server has aborted. */
  async #moved(moves: readonly Move[], cause: unknown): Promise<ConcurrencyError> {
    const [{ index } = { index: 0 }] = (cause as { writeErrors?: readonly { readonly index: number }[] }).writeErrors ?? [];
    const move = moves[index]!;
    const heads = await this.#headsOf([move.append.stream]).catch(() => new Map<string, bigint>());
    return conflictOf(move, heads.get(move.append.stream), cause);
  }
}

function conflictOf({ append: { stream, expected } }: Move, actual: bigint | undefined, cause?: unknown): ConcurrencyError {
  return new ConcurrencyError(stream, typeof expected === 'bigint' ? expected : undefined, actual, { cause });
}

function moveOf(append: StreamAppend, heads: ReadonlyMap<string, bigint>): Move {
  const { stream, expected, adopt, messages } = append;
  const before = expected === 'any' ? heads.get(stream) : expected === 'no-stream' ? undefined : expected;
  const first = (before ?? -1n) + 1n;
  return { append, from: adopt ? undefined : before, first, head: first + BigInt(messages.length) - 1n };
}

/**
 * Moves the head from where it must be, or fails in the server: then the server aborts the transaction at once, whoever swallows the
 * error. A filter that matches nothing would abort nothing, and an insert that finds the stream there would hide what is there.
 */
function headWrite({ append, from, head }: Move): HeadWrite {
  const isThere = from === undefined ? { $eq: [{ $type: '$revision' }, 'missing'] } : { $eq: ['$revision', int64(from)] };
  const fail = { $toInt: { $concat: ['not where expected: ', '$_id'] } };
  return { filter: { _id: append.stream }, update: [{ $set: { revision: { $cond: [isThere, int64(head), fail] } } }] };
}

function documentsOf({ append, first }: Move, lanes: number): readonly OutboxDocument[] {
  const { stream, hash, messages } = append;
  const lane = laneOf(hash, lanes);
  return messages.map((message, offset) => documentOf(message, stream, first + BigInt(offset), lane));
}

function documentOf(message: MessageToAppend, stream: string, revision: bigint, lane: number): OutboxDocument {
  const { id, kind, type, schemaVersion, codec, payload, metadata, aggregate, occurredAt } = message;
  return {
    ...{ _id: { stream, revision: int64(revision) }, id, lane, kind, type, schemaVersion, codec, payload },
    metadata: JSON.stringify(metadata),
    ...(aggregate && { aggregate: { type: aggregate.type, id: aggregate.id } }),
    occurredAt,
    at: SERVER_FILLS_IN(),
    pending: true,
  };
}

function refuseTooLarge(appends: readonly StreamAppend[]): void {
  for (const { stream, messages } of appends) {
    for (const { type, payload } of messages) {
      if (payload.length * MOST_BYTES_A_CHARACTER <= MOST_DOCUMENT_BYTES) continue;
      const bytes = Buffer.byteLength(payload);
      if (bytes > MOST_DOCUMENT_BYTES) throw new PayloadTooLargeError(type, stream, bytes, MOST_DOCUMENT_BYTES);
    }
  }
}
