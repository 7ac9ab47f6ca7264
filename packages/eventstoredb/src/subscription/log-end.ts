import type { CurrentClient } from '../connection/current-client.js';
import { readBack } from '../connection/read-back.js';
import { readEvents } from '../connection/read-events.js';
import type { Settings } from '../eventstoredb-options.js';
import type { Selection } from './selection.js';

// Far more than a server looks at before it tells that it left them all out.
const MOST_LEFT_OUT = 1_000;

// What of a stream's metadata can leave nothing to be read: a deletion is written as a truncation too.
const HIDING = ['$tb', '$maxAge'];

/** Where a log ends, as the leader knows it. */
export class LogEnd {
  constructor(
    private readonly current: CurrentClient,
    private readonly settings: Settings,
    private readonly selection: Selection,
  ) {}

  /** Position of the last event, of whatever type; `undefined`: there is none. */
  async last(signal: AbortSignal): Promise<bigint | undefined> {
    const { stream } = this.selection;
    if (stream === undefined) {
      for await (const { position } of readBack(this.current, this.settings, { limit: 1, signal })) return position.commit;
      return undefined;
    }
    const events = readEvents(this.current, this.settings, stream, { from: 'end', limit: 1, leader: true, signal });
    for await (const { revision } of events) return revision;
    return undefined;
  }

  /** Whether a stream of which nothing can be read may have events all the same: revisions go on behind what was deleted, or is too old. */
  async isHidden(signal: AbortSignal): Promise<boolean> {
    const { stream } = this.selection;
    if (stream === undefined) return false;
    const events = readEvents(this.current, this.settings, `$$${stream}`, { from: 'end', limit: 1, leader: true, signal });
    for await (const { data } of events) return HIDING.some((key) => Object.hasOwn(Object(data) as object, key));
    return false;
  }

  /** Whether something is there behind `seen` that a subscription to these types would have been told of by now. */
  async isBeyond(seen: bigint | undefined, types: readonly string[] | undefined, signal: AbortSignal): Promise<boolean> {
    if (this.selection.stream !== undefined) {
      const last = await this.last(signal);
      return last !== undefined && (seen === undefined || last > seen);
    }
    let leftOut = 0;
    for await (const event of readBack(this.current, this.settings, { limit: MOST_LEFT_OUT, signal })) {
      if (seen !== undefined && event.position.commit <= seen) return false;
      if (this.selection.selects(event) && (types?.includes(event.type) ?? true)) return true;
      leftOut += 1;
    }
    return leftOut === MOST_LEFT_OUT;
  }
}
