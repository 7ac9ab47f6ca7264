import type { Checkpoint } from './checkpoint.js';
import type { CompetingMessage } from './competing-message.js';
import type { GroupSettings } from './group-definition.js';

export interface ProgressOptions {
  readonly checkpoint: Checkpoint;
  readonly settings: GroupSettings;
}

/** Counts what a group has read, and writes a checkpoint when enough of it is done. */
export class Progress {
  #lastRead: { readonly place: number | undefined; readonly sequence: number };
  #marked = { sequence: 0, at: 0 };

  constructor(private readonly options: ProgressOptions) {
    this.#lastRead = { place: options.checkpoint.place, sequence: 0 };
  }

  /** @param place - what a checkpoint would say of the message just read */
  read(place: number): Pick<CompetingMessage, 'previousPlace' | 'sequence'> {
    const message = { previousPlace: this.#lastRead.place, sequence: this.#lastRead.sequence + 1 };
    this.#lastRead = { place, sequence: message.sequence };
    return message;
  }

  /**
   * Writes a checkpoint if one is due: by the upper count at once, by time from the lower count on.
   *
   * @param unread - the messages that no consumer has had yet
   * @param open - all others that are not done
   */
  mark(unread: readonly CompetingMessage[], open: () => Iterable<CompetingMessage>, { timed }: { readonly timed: boolean }): void {
    const { minCheckpointCount, maxCheckpointCount, checkpointAfterMs } = this.options.settings;
    const least = timed ? Math.min(minCheckpointCount, maxCheckpointCount) : maxCheckpointCount;
    if (this.#lastRead.sequence - unread.length - this.#marked.sequence < Math.max(least, 1)) return; // do not even look
    const { place, sequence } = this.#done(unread[0], open());
    const difference = sequence - this.#marked.sequence;
    const isDue = timed && difference >= minCheckpointCount && performance.now() - this.#marked.at >= checkpointAfterMs;
    if (place === undefined || difference <= 0 || (difference < maxCheckpointCount && !isDue)) return;
    this.#marked = { sequence, at: performance.now() };
    this.options.checkpoint.write(place);
  }

  /** The last place up to which every message is done. Replayed messages are behind the checkpoint already. */
  #done(firstUnread: CompetingMessage | undefined, open: Iterable<CompetingMessage>): { place: number | undefined; sequence: number } {
    let done = this.#lastRead;
    const hold = (message: CompetingMessage): void => {
      if (!message.replayed && message.sequence <= done.sequence) done = { place: message.previousPlace, sequence: message.sequence - 1 };
    };
    if (firstUnread) hold(firstUnread);
    for (const message of open) hold(message);
    return done;
  }
}
