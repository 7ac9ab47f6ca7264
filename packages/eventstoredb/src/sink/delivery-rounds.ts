import { delay, SinkUnavailableError } from '@waybill/core';
import type { AppendOutcome, AppendQueue } from '../append/append-queue.js';
import type { CurrentClient } from '../connection/current-client.js';
import { plainDetail } from '../connection/plain-detail.js';
import { EventStoreDBUnavailableError, StreamTombstonedError } from '../eventstoredb-errors.js';
import type { Settings } from '../eventstoredb-options.js';
import { groupLimits, groupsOf } from './groups.js';
import type { Group } from './groups.js';
import { reject } from './rejections.js';
import { settleByAnswers, settleByStream } from './settle.js';
import { storedEvents } from './stored-events.js';
import type { StreamTrack } from './stream-track.js';

/** Sending, looking and sending again ends here: what is not clear by then waits for the lane's next try. */
const MAX_ROUNDS = 4;
const PAUSE_MS = 25;
const MAX_READS_AT_ONCE = 8;

/**
 * Brings tracks to their end: sends their groups side by side, those of one stream chained by their exact revisions, and after every answer
 * that leaves a doubt reads the stream back and goes on from there.
 */
export class DeliveryRounds {
  constructor(
    private readonly client: CurrentClient,
    private readonly queue: AppendQueue,
    private readonly settings: Settings,
  ) {}

  /** Leaves every track settled or with a failure. */
  async run(tracks: readonly StreamTrack[], signal: AbortSignal): Promise<void> {
    let doubt = 'the outcome stayed unclear';
    for (let round = 0; round < MAX_ROUNDS && !signal.aborted; round++) {
      const open = tracks.filter((track) => track.open);
      if (open.length === 0) return;
      if (round > 1) await delay(this.settings.clock, PAUSE_MS * 4 ** (round - 2), signal); // what others have under way may need a moment
      doubt = (await this.#round(open, signal)) ?? doubt;
    }
    for (const track of tracks) {
      if (track.open) track.failure = new SinkUnavailableError(signal.aborted ? 'the delivery was told to stop' : doubt);
    }
  }

  /** @returns what the last doubt was about */
  async #round(tracks: readonly StreamTrack[], signal: AbortSignal): Promise<string | undefined> {
    const limits = groupLimits(this.settings);
    const groups = tracks.map((track) => groupsOf(track, limits));
    const outcomes = await this.#send(groups, signal);
    if (!outcomes) return undefined;

    let doubt: string | undefined;
    const looks: (() => Promise<void>)[] = [];
    for (const [nth, track] of tracks.entries()) {
      const doubtful = settleByAnswers(track, groups[nth]!, outcomes[nth]!);
      doubt ??= outcomes[nth]!.find(isNotSent)?.detail;
      if (!doubtful) continue;
      if (doubtful.kind === 'unknown') doubt = doubtful.detail;
      looks.push(async () => {
        try {
          settleByStream(track, groups[nth]!, outcomes[nth]!, await storedEvents(this.client, this.settings, track.unsettled, signal));
        } catch (cause) {
          track.failure = this.#readFailure(track, doubt, cause);
        }
      });
    }
    await sideBySide(looks, () => signal.aborted);
    return doubt;
  }

  /** In the order of the batch, so that a single lane's messages of all streams keep about their order. `undefined`: aborted meanwhile. */
  #send(groups: readonly (readonly Group[])[], signal: AbortSignal): Promise<AppendOutcome[][] | undefined> {
    const outcomes = groups.map((ofTrack) => new Array<AppendOutcome>(ofTrack.length));
    const failed = new Set<StreamTrack>();
    const jobs = groups.flatMap((ofTrack, track) => ofTrack.map((group, nth) => ({ group, track, nth })));
    jobs.sort((one, other) => one.group.entries[0]!.index - other.group.entries[0]!.index);

    const sent = jobs.map(async ({ group, track, nth }) => {
      const [first] = group.entries;
      const request = { stream: group.track.stream, revision: first!.message.revision, events: group.entries.map(({ event }) => event) };
      const outcome = await this.queue.append(request, () => !signal.aborted && !failed.has(group.track));
      // What of this stream has not left yet stays here: it could only fail too.
      if (outcome.kind !== 'accepted' || !outcome.readable) failed.add(group.track);
      outcomes[track]![nth] = outcome;
    });
    return untilAborted(
      Promise.all(sent).then(() => outcomes),
      signal,
    );
  }

  #readFailure(track: StreamTrack, doubt: string | undefined, cause: unknown): StreamTrack['failure'] {
    if (cause instanceof StreamTombstonedError) return reject.asTombstoned(track.next!.message);
    const reason: unknown = cause instanceof EventStoreDBUnavailableError ? (cause.cause ?? cause) : cause;
    const detail = plainDetail(reason instanceof Error ? reason.message : String(reason));
    if (doubt === undefined) return new SinkUnavailableError(detail, { cause });
    const again = detail.includes(doubt) ? '' : `: ${detail}`; // one server that is away is told of once
    return new SinkUnavailableError(`${doubt}; and what became of it cannot be read${again}`, { cause });
  }
}

const isNotSent = (outcome: AppendOutcome): outcome is Extract<AppendOutcome, { kind: 'not-sent' }> => outcome.kind === 'not-sent';

/** The result, or `undefined` as soon as the signal aborts. */
async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result | undefined> {
  let stop = (): void => {};
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function sideBySide(works: readonly (() => Promise<void>)[], stopped: () => boolean): Promise<void> {
  const left = works.values();
  const one = async (): Promise<void> => {
    for (const work of left) {
      if (stopped()) return;
      await work();
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_READS_AT_ONCE, works.length) }, one));
}
