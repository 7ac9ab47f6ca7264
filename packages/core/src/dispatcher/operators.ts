import type { DispatchStores } from '../database.js';
import { InvalidOptionsError } from '../errors.js';
import type { RouteStoppedStream } from '../outbox/delivery-status.js';
import type { LaneFailure } from '../outbox/lane-progress.js';
import type { LaneActionRequest } from '../outbox/lane-action.js';
import type { WakeUps } from '../outbox/wake-ups.js';
import { doubtedBy } from './failure/doubt.js';
import { isPlainText } from '../plain-text.js';

/** Which stopped streams: one, several, those that failed with a code, or all. */
export type RedriveChoice = { readonly stream: string } | { readonly streams: readonly string[] } | { readonly code: string } | 'all';

export interface RedriveOptions {
  /** Only tell which streams it would be. Default false. */
  readonly dryRun?: boolean;
}

export interface OperatorsOptions {
  readonly stores: DispatchStores & { readonly wakeUps: WakeUps };
  /** Who asks, for the audit. */
  readonly requestedBy: string;
}

const MOST_REDRIVEN = 10_000;

/**
 * What people order. It holds no lease: orders are stored, and the holder of the lane carries them out at a batch boundary. The stored
 * orders are the audit.
 */
export class Operators {
  constructor(private readonly options: OperatorsOptions) {}

  async resume(route: string, lane: number | undefined): Promise<void> {
    const { status } = this.options.stores;
    const lanes = (await status.lanes()).filter((one) => one.route === route && (lane === undefined || one.lane === lane));
    const stopped = lanes.filter((one) => one.state !== 'running' && (lane !== undefined || !isAsking(one)));
    const streams = (await status.stopped({ route, state: 'halted', most: MOST_REDRIVEN })).filter(
      (stop) => lane === undefined || stop.lane === lane,
    );
    if (stopped.length === 0 && streams.length === 0)
      throw new InvalidOptionsError(
        `Route "${route}" has no stopped lane${lane === undefined ? '' : ` ${lane}`} and no halted stream there; there is nothing to resume. A lane that waits for its target to tell what came of a message is resumed by its number alone.`,
      );
    await this.#order(
      ...stopped.map((one) => ({ route, lane: one.lane, kind: 'resume' as const })),
      ...streams.map((stop) => ({ route, lane: stop.lane, kind: 'redrive' as const, stream: stop.stream })),
    );
  }

  async skip(route: string, messageId: string, reason: string): Promise<void> {
    if (!isPlainText(reason) || reason.trim() === '')
      throw new InvalidOptionsError('A skip needs a reason: it is kept for whoever asks later.');
    const { status } = this.options.stores;
    const lane = (await status.lanes()).find(
      (one) => one.route === route && one.state !== 'running' && one.failure?.messageId === messageId,
    );
    const stop = lane ? undefined : await this.#stoppedAt(route, messageId);
    const place = lane ?? stop;
    if (!place)
      throw new InvalidOptionsError(
        `No lane and no stopped stream of route "${route}" stands at message ${messageId}; only such a message can be skipped.`,
      );
    await this.#order({ route, lane: place.lane, kind: 'skip', messageId, reason, ...(stop && { stream: stop.stream }) });
  }

  async redrive(route: string, choice: RedriveChoice, { dryRun = false }: RedriveOptions): Promise<readonly RouteStoppedStream[]> {
    refuseVague(choice);
    const stopped = await this.#stopped(route, choice);
    const waiting = stopped.filter(({ state }) => state !== 'redriving');
    if (dryRun) return waiting;
    const named = choice === 'all' || 'code' in choice ? [] : 'stream' in choice ? [choice.stream] : choice.streams;
    const unknown = named.filter((stream) => !stopped.some((stop) => stop.stream === stream));
    if (unknown.length > 0)
      throw new InvalidOptionsError(
        `Not stopped at route "${route}": ${unknown.map((stream) => `"${stream}"`).join(', ')}. Nothing was redriven.`,
      );
    await this.#order(...waiting.map(({ lane, stream }) => ({ route, lane, kind: 'redrive' as const, stream })));
    return waiting;
  }

  /** By the message's stream: there may be more stopped streams than one look answers. */
  async #stoppedAt(route: string, messageId: string): Promise<RouteStoppedStream | undefined> {
    const { status } = this.options.stores;
    const [line] = await status.messages({ messageId });
    const stopped = await status.stopped({ route, ...(line && { stream: line.stream }), most: MOST_REDRIVEN });
    return stopped.find(({ failure }) => failure.messageId === messageId);
  }

  async #stopped(route: string, choice: RedriveChoice): Promise<readonly RouteStoppedStream[]> {
    const { status } = this.options.stores;
    if (choice === 'all') return (await status.stopped({ route, most: MOST_REDRIVEN })).filter((stop) => !isAsking(stop));
    if (!('streams' in choice)) return status.stopped({ route, ...choice, most: MOST_REDRIVEN });
    const found = await Promise.all(choice.streams.map((stream) => status.stopped({ route, stream, most: 1 })));
    return found.flat();
  }

  /** All are stored before anybody is told: one look is enough for them. */
  async #order(...actions: readonly LaneActionRequest[]): Promise<void> {
    const { stores, requestedBy } = this.options;
    for (const action of actions) await stores.actions.request({ ...action, requestedBy });
    stores.wakeUps.nudge('action', []);
  }
}

/**
 * Its target has yet to tell what came of a message: to have it go on is to have that sent again, which a person must say of this one, and not
 * of all that has stopped.
 */
const isAsking = ({ state, failure }: { readonly state: string; readonly failure: LaneFailure | undefined }): boolean =>
  state === 'waiting' && doubtedBy(failure).length > 0;

/** A choice that names nothing would be taken for all, where no compiler has looked at it. */
function refuseVague(choice: RedriveChoice): void {
  if (choice === 'all') return;
  const { stream, streams, code } = (choice ?? {}) as Readonly<Record<string, unknown>>;
  const given = [stream, streams, code].filter((one) => one !== undefined);
  const isNamed = streams === undefined ? given.every(isPlainText) : Array.isArray(streams) && streams.every(isPlainText);
  if (given.length !== 1 || !isNamed)
    throw new InvalidOptionsError(
      'Which streams to redrive must be said: { stream }, { streams } or { code }, with text that is not empty, or "all". Nothing was redriven.',
    );
}
