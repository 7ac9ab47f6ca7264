import { aborted, delay, laneOf, systemClock } from '@waybill/core';
import type { WakeHint, WakeUps } from '@waybill/core';
import type { ChangeStream, ChangeStreamDocument } from 'mongodb';
import type { MongoDBCollections } from './mongodb-collections.js';
import type { Sequencer } from './sequencer.js';
import { within } from './within.js';
import { noticeOf, noticeText } from './notice.js';
import type { SequencerDocument, SignalDocument } from './stored-documents.js';

const COALESCE_MS = 5;
const REOPEN_MS = 1_000;
const LONGEST_REOPEN_MS = 30_000;
const AWAIT_MS = 10_000;
const FAREWELL_MS = 1_000;

/**
 * Nudges dispatchers in this process at once, and others through a change stream on the two small documents that change with every
 * batch: the sequencer's, and one that writers without a dispatcher touch every few milliseconds at most. Watching the outbox itself
 * would send every message to every process.
 *
 * Only hints: where change streams are not allowed, or their history is lost, polling finds everything.
 */
export class MongoDBWakeUps implements WakeUps {
  readonly #listeners = new Set<(hint: WakeHint) => void>();
  #pending: { lanes: Set<number>; action: boolean } | undefined;
  #signals = 0;

  constructor(
    private readonly collections: MongoDBCollections,
    private readonly sequencer: () => Sequencer,
    /** Of this process. */
    private readonly owner: string,
    private readonly watches: boolean,
  ) {}

  nudge(kind: WakeHint['kind'], streamHashes: readonly number[]): void {
    const lanes = streamHashes.map((hash) => laneOf(hash, this.collections.laneCount));
    if (kind === 'committed' && this.#listeners.size > 0) return this.#number({ kind, lanes });
    this.tell({ kind, lanes });
    this.signal(kind, lanes);
  }

  /** To listeners of this process. */
  tell(hint: WakeHint): void {
    for (const listener of this.#listeners) listener(hint);
  }

  /** To other processes: one write every few milliseconds. */
  signal(kind: WakeHint['kind'], lanes: readonly number[]): void {
    if (!this.watches) return;
    if (!this.#pending) systemClock.after(COALESCE_MS, () => this.#send());
    this.#pending ??= { lanes: new Set(), action: false };
    for (const lane of lanes) this.#pending.lanes.add(lane);
    this.#pending.action ||= kind === 'action';
  }

  async listen(onHint: (hint: WakeHint) => void, signal: AbortSignal): Promise<void> {
    this.#listeners.add(onHint);
    try {
      if (!this.watches) await aborted(signal);
      for (let wait = REOPEN_MS; !signal.aborted; wait = Math.min(wait * 2, LONGEST_REOPEN_MS)) {
        if (await this.#watchUntilLost(onHint, signal)) wait = REOPEN_MS;
        await delay(systemClock, wait, signal);
      }
    } finally {
      this.#listeners.delete(onHint);
      if (this.#listeners.size === 0) await within(FAREWELL_MS, this.sequencer().release()).catch(() => {});
    }
  }

  /** Numbers what was committed: then the last number is the pulse. */
  async pulse(): Promise<string> {
    await this.sequencer().catchUp();
    return String(this.sequencer().numbered.upTo);
  }

  /** Somebody here waits for it. What has no number cannot be read, so lanes hear of it when it has; and others by its having one. */
  #number(hint: WakeHint): void {
    this.sequencer()
      .catchUp(true)
      .then(
        (isTold) => (isTold ? undefined : this.tell(hint)),
        () => {}, // polling finds it
      );
  }

  #send(): void {
    const { lanes, action } = this.#pending!;
    this.#pending = undefined;
    const kind = action ? 'action' : 'committed';
    // Only a hint: when it cannot be written, polling finds what it would have told.
    this.collections.signals
      .updateOne(
        { _id: kind },
        { $set: { notice: noticeText({ sender: this.owner, lanes: [...lanes], count: ++this.#signals }) } },
        { upsert: true, writeConcern: { w: 1 } },
      )
      .catch(() => {});
  }

  /** @returns true when it had been watching */
  async #watchUntilLost(onHint: (hint: WakeHint) => void, signal: AbortSignal): Promise<boolean> {
    const { db, sequencer, signals } = this.collections;
    const watched = { 'ns.coll': { $in: [sequencer.collectionName, signals.collectionName] } };
    const stream = db.watch<Watched>([{ $match: watched }], { maxAwaitTimeMS: AWAIT_MS });
    const close = (): void => void stream.close().catch(() => {});
    signal.addEventListener('abort', close, { once: true });
    let watching = false;
    try {
      stream.once('init', () => {
        watching = true;
        onHint({ kind: 'committed', lanes: [] }); // whatever was told while nobody watched
      });
      await this.#passOn(stream, onHint);
    } catch {
      // Closed, lost, or not allowed: whatever it was, polling goes on, and so does trying.
    } finally {
      signal.removeEventListener('abort', close);
      await stream.close().catch(() => {});
    }
    return watching;
  }

  async #passOn(stream: ChangeStream<Watched>, onHint: (hint: WakeHint) => void): Promise<void> {
    for await (const change of stream as AsyncIterable<ChangeStreamDocument<Watched>>) {
      const fields =
        change.operationType === 'update' ? change.updateDescription.updatedFields : 'fullDocument' in change && change.fullDocument;
      if (!fields || !fields.notice || !('documentKey' in change)) continue;
      const { sender, lanes, count } = noticeOf(fields.notice);
      if (sender === this.owner) continue;
      const { _id: kind } = change.documentKey as unknown as Pick<Watched, '_id'>;
      if (kind === 'committed') {
        this.#number({ kind, lanes });
        continue;
      }
      if (kind === 'sequencer' && 'position' in fields) {
        const last = fields.position!.toBigInt();
        this.sequencer().numbered.add(last - BigInt(count) + 1n, last, lanes);
      }
      onHint({ kind: kind === 'action' ? 'action' : 'committed', lanes: [...lanes] });
    }
  }
}

type Watched = SequencerDocument | SignalDocument;
