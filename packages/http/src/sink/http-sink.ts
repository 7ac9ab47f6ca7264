import { InvalidOptionsError, OutcomeUnknownError, silentLogger, SinkUnavailableError, systemClock } from '@waybill/core';
import type { Delivery, DeliveryContext, OutboxMessage, Reply, Sink } from '@waybill/core';
import type { Sending } from '../cloudevent/message-event.js';
import { checkedSinkOptions } from './checked-sink-options.js';
import type { CheckedSinkOptions } from './checked-sink-options.js';
import type { TargetReport } from './door.js';
import { Doors } from './doors.js';
import type { SentSomewhere } from './doors.js';
import { ANYWHERE, Doubts } from './doubts.js';
import type { Doubt } from './doubts.js';
import type { HttpSinkOptions } from './http-sink-options.js';
import { notAPromise } from './not-a-promise.js';
import { packed } from './packed.js';
import { sideBySide } from './side-by-side.js';
import { Tally } from './tally.js';
import { Target } from './target.js';

/**
 * Delivers a route to other people's endpoints, as CloudEvents over HTTP or in any form that a mapper makes.
 *
 * A stream's messages are sent strictly one after another: none is sent before the one in front of it was accepted. What an answer means is
 * said by {@link classifyByStatus}, or by `classify`. A message whose outcome nobody knows is sent again only to a target that is `idempotent`;
 * others are asked (`query`), or the route's failure policy has the word.
 */
export class HttpSink implements Sink {
  readonly tellsPrevious: boolean;
  readonly mostAtOnce?: number;
  readonly #options: HttpSinkOptions;
  readonly #checked: CheckedSinkOptions;
  readonly #targets: readonly Target[];
  readonly #doors: Doors;
  readonly #doubts = new Doubts();

  /** @throws {@link InvalidOptionsError} what cannot work, or has to be said: before anything is sent */
  constructor(options: HttpSinkOptions) {
    const { source, metadata = [], clock = systemClock, logger = silentLogger, safeAcrossTargets = false, targetsAre } = options;
    this.#options = options;
    this.#checked = checkedSinkOptions(options);
    this.#targets = this.#checked.targets.map((target) => new Target(target, { source, metadata, clock, logger }));
    if (new Set(this.#targets.map(({ name }) => name)).size < this.#targets.length)
      throw new InvalidOptionsError('Two targets have the same name: name them, with `name`.');
    this.#doors = new Doors({ targets: this.#targets, rules: this.#checked.rules, safeAcrossTargets, clock });
    const mappedOnly = this.#checked.targets.every(({ request }) => request !== undefined);
    this.tellsPrevious = options.tellsPrevious ?? (!mappedOnly && targetsAre !== 'independent');
    if (!this.#targets.every(({ idempotent }) => idempotent)) this.mostAtOnce = 1;
  }

  /** Never rejects. */
  async deliver(batch: readonly OutboxMessage[], context: DeliveryContext): Promise<Delivery> {
    if (batch.length === 0) return { accepted: 0 };
    if (context.order === 'global' && this.#options.targetsAre === 'independent') return { accepted: 0, failure: noOrder(context.route) };
    const known = new Map(batch.map((message) => [message.id, this.#doubts.of(message, context)]));
    const tally = new Tally(batch);
    if (this.#checked.batches) await this.#inBatches(batch, known, tally, context);
    else await this.#oneByOne(batch, known, tally, context);
    this.#doubts.remember(context, known);
    return tally.delivery((message) => this.#givenUp(message, known.get(message.id)));
  }

  /** Closes the connections of all policies that were not handed in. Idempotent; a delivery afterwards opens new ones. */
  async stop(): Promise<void> {
    await Promise.all(this.#targets.map((target) => target.close()));
  }

  /** How the targets are, in the order they are used. */
  targets(): readonly TargetReport[] {
    return this.#doors.report();
  }

  /**
   * Sends nothing to a target until {@link HttpSink.resume}, in this process. What it may have done already waits for it.
   *
   * @throws {@link InvalidOptionsError} there is no such target
   */
  suspend(target: string, reason: string): void {
    this.#doors.suspend(target, reason);
  }

  /**
   * Uses a target again that was suspended, or left because it did badly.
   *
   * @throws {@link InvalidOptionsError} there is no such target
   */
  resume(target: string): void {
    this.#doors.resume(target);
  }

  async #oneByOne(batch: readonly OutboxMessage[], known: Known, tally: Tally, context: DeliveryContext): Promise<void> {
    const most = context.order === 'global' || this.mostAtOnce === 1 || this.#isBound ? 1 : this.#checked.inFlight;
    const send = async (index: number): Promise<boolean> => {
      const message = batch[index]!;
      const sent = this.#answered(await this.#send([message], known, context), message, index, tally);
      learn(known, message, sent);
      if (sent.failure) tally.fail(index, sent.failure);
      else tally.accept(index, 1, sent.answer);
      return !sent.failure;
    };
    await (most === 1 ? inTurn(batch, send, context.signal) : sideBySide(batch, most, send, context.signal));
  }

  async #inBatches(batch: readonly OutboxMessage[], known: Known, tally: Tally, context: DeliveryContext): Promise<void> {
    let most = this.#checked.batch.messages;
    for (let from = 0; from < batch.length && !context.signal.aborted;) {
      const doubt = known.get(batch[from]!.id);
      const part = packed(batch, from, { ...this.#checked.batch, messages: most }, ({ id }) => known.get(id) === doubt);
      const sent = await this.#send(part, known, context);
      tally.accept(from, sent.accepted, sent.answer);
      for (const message of part.slice(0, sent.accepted)) known.set(message.id, sent.by);
      from += sent.accepted;
      if (!sent.failure) continue;
      for (const message of part.slice(sent.accepted)) known.set(message.id, sent.doubt);
      if (!sent.unnamed) return tally.fail(from, sent.failure);
      most = 1; // the target did not say which one it refuses: alone, each speaks for itself
    }
  }

  /**
   * What was accepted behind a message that failed comes again, perhaps to another process, which may use another target: where those do not know
   * what the others have done, nothing is sent behind a message before that was accepted.
   */
  get #isBound(): boolean {
    return this.#targets.length > 1 && this.#options.safeAcrossTargets !== true;
  }

  #send(messages: readonly OutboxMessage[], known: Known, context: DeliveryContext): Promise<SentSomewhere> {
    const { route, epoch, signal, logger } = context;
    const sendingOf = (message: OutboxMessage): Sending => ({
      route,
      epoch,
      previous: this.tellsPrevious ? (context.previous(message) ?? 'none') : undefined,
    });
    return this.#doors.send(messages, known.get(messages[0]!.id), { sendingOf, signal, logger });
  }

  /** One that may have been sent before stays one of which nobody knows: an outage would be followed by another send. */
  #givenUp({ id }: OutboxMessage, doubt: Doubt | undefined): SinkUnavailableError | OutcomeUnknownError {
    if (doubt === undefined) return new SinkUnavailableError('the delivery was given up before this message was sent');
    const where = this.#targets.map(({ name }) => name).join(', ');
    return new OutcomeUnknownError(where, id, 'it may have been sent before, and the delivery was given up before that was found out');
  }

  /** Done, as `query` says, and nothing is known of the answer that `reply` makes a message of: to go on would lose that message. */
  #untold({ id }: OutboxMessage): SentSomewhere {
    const where = this.#targets.map(({ name }) => name).join(', ');
    const detail =
      "its query says done and not what the answer was, of which `reply` makes a message: let it tell ({ outcome: 'done', answer }); { status: 200 } is enough where reply needs no more";
    return { accepted: 0, failure: new OutcomeUnknownError(where, id, detail), doubt: ANYWHERE };
  }

  /** What the answer becomes is part of the delivery: it must not be lost, and the request must not be made again for it. */
  #answered(sent: SentSomewhere, message: OutboxMessage, index: number, tally: Tally): SentSomewhere {
    const { answer } = sent;
    if (sent.failure || !this.#options.reply) return sent;
    if (!answer) return this.#untold(message);
    try {
      const reply: Omit<Reply, 'to'> | undefined = notAPromise('reply', this.#options.reply(answer, message));
      if (reply) tally.reply({ to: index, ...reply });
      return sent;
    } catch (cause) {
      const detail = `it has, but what it answered could not be made a message: ${cause instanceof Error ? cause.message : String(cause)}`;
      const doubt = this.#targets.find(({ name }) => name === answer.target)!;
      // Nothing else could come of another try, which would tell less of the cause.
      const final = !doubt.idempotent && !doubt.canBeAsked;
      return { accepted: 0, failure: new OutcomeUnknownError(answer.target, message.id, detail, { cause, final }), doubt };
    }
  }
}

/** Where each message of a batch was, or may have been, done: also what was accepted comes again, when one before it was not. */
type Known = Map<string, Doubt | undefined>;

function learn(known: Known, { id }: OutboxMessage, { failure, doubt, by }: SentSomewhere): void {
  known.set(id, failure ? doubt : by);
}

async function inTurn(batch: readonly OutboxMessage[], send: (index: number) => Promise<boolean>, signal: AbortSignal): Promise<void> {
  for (const index of batch.keys()) if (signal.aborted || !(await send(index))) return;
}

function noOrder(route: string): SinkUnavailableError {
  return new SinkUnavailableError(
    `route ${route} promises one order of all messages, and its targets are independent of each other; make them doors to one receiver, or the route's order "stream"`,
  );
}
