import { InvalidOptionsError, isWaybillError, OutcomeUnknownError, SinkUnavailableError } from '@waybill/core';
import type { Clock, Logger, OutboxMessage } from '@waybill/core';
import { Door } from './door.js';
import type { DoorRules, TargetReport } from './door.js';
import { ANYWHERE } from './doubts.js';
import type { Doubt } from './doubts.js';
import { toldAnswer } from './target-query.js';
import type { SendOptions, Sent, Target } from './target.js';

export interface DoorsOptions {
  readonly targets: readonly Target[];
  readonly rules: DoorRules;
  /** An unknown outcome at one target may be sent to another. */
  readonly safeAcrossTargets: boolean;
  readonly clock: Clock;
}

/** What one request, or several because the first target was left, came to. */
export interface SentSomewhere extends Sent {
  /** Where the message behind the accepted ones may have been done; absent: nowhere. */
  readonly doubt?: Doubt;
  /** Who accepted what was accepted. */
  readonly by?: Target;
}

type Options = Omit<SendOptions, 'mayBeRepeat'> & { readonly logger: Logger };

/** The targets of a sink: which one gets a message, and what stays bound to one. */
export class Doors {
  readonly #doors: readonly Door[];
  #lastUsed: Door;

  constructor(private readonly options: DoorsOptions) {
    this.#doors = options.targets.map((target) => new Door(target, options.rules, options.clock));
    this.#lastUsed = this.#doors[0]!;
  }

  /** Never rejects. */
  async send(messages: readonly OutboxMessage[], doubt: Doubt | undefined, options: Options): Promise<SentSomewhere> {
    const only = this.#doors.length === 1 ? this.#doors[0] : undefined;
    if (!only) return this.#unlessOthersCan(await this.#toOneOfMany(messages, doubt, options));
    if (only.state === 'suspended') return this.#nobody(messages[0]!, doubt !== undefined);
    return await this.#through(only, messages, doubt !== undefined, options);
  }

  #toOneOfMany(messages: readonly OutboxMessage[], doubt: Doubt | undefined, options: Options): Promise<SentSomewhere> {
    if (doubt === undefined || this.options.safeAcrossTargets) return this.#toTheFirstOpen(messages, doubt !== undefined, options);
    return doubt === ANYWHERE ? this.#askEverywhere(messages, options) : this.#toTheBound(messages, doubt, options);
  }

  report(): readonly TargetReport[] {
    const inUse = this.#doors.find((door) => door.state === 'ready' && door.open);
    return this.#doors.map((door) => door.report(door === inUse));
  }

  suspend(name: string, reason: string): void {
    this.#named(name).suspend(reason);
  }

  resume(name: string): void {
    const door = this.#named(name);
    door.target.resume();
    door.comeBack();
  }

  async #toTheFirstOpen(messages: readonly OutboxMessage[], mayBeRepeat: boolean, options: Options): Promise<SentSomewhere> {
    let repeat = mayBeRepeat;
    let sent: SentSomewhere | undefined;
    const tried = new Set<Door>();
    for (;;) {
      const door = this.#choose(tried);
      if (!door) return sent ?? this.#nobody(messages[0]!, repeat);
      if (tried.has(door)) return sent!;
      tried.add(door);
      this.#tellWhoIsUsed(door, options.logger);
      sent = await this.#through(door, messages, repeat, options);
      const unknown = isWaybillError(sent.failure, 'OUTCOME_UNKNOWN');
      const goesOn = isWaybillError(sent.failure, 'SINK_UNAVAILABLE') || (unknown && this.options.safeAcrossTargets);
      if (!goesOn || sent.accepted > 0 || options.signal.aborted) return sent;
      repeat ||= unknown;
    }
  }

  /** A message that one target may have done goes to no other until that one has told, or a person has decided. */
  async #toTheBound(messages: readonly OutboxMessage[], bound: Target, options: Options): Promise<SentSomewhere> {
    const door = this.#doors.find(({ target }) => target === bound)!;
    if (door.state === 'suspended')
      return { ...this.#stillUnknown(messages[0]!, bound.name, `it is suspended: ${door.why}`), doubt: bound };
    const sent = await this.#through(door, messages, true, options);
    if (!isWaybillError(sent.failure, 'SINK_UNAVAILABLE')) return sent;
    return { ...this.#stillUnknown(messages[sent.accepted]!, bound.name, sent.failure.message), accepted: sent.accepted, doubt: bound };
  }

  /** Another process sent it, and only its target knows which that was. */
  async #askEverywhere(messages: readonly OutboxMessage[], options: Options): Promise<SentSomewhere> {
    const targets = this.#doors.map(({ target }) => target);
    const message = messages[0]!;
    const names = targets.map(({ name }) => name).join(', ');
    if (!targets.every(({ canBeAsked }) => canBeAsked)) {
      const detail =
        'a process that was sending it is gone, and not all of these targets can be asked; ' +
        'give each a `query`, or say `safeAcrossTargets` where they know what the others have done';
      return { accepted: 0, failure: new OutcomeUnknownError(names, message.id, detail, { final: true }), doubt: ANYWHERE };
    }
    const answers = await Promise.all(targets.map((target) => target.ask(message, options.signal)));
    const done = answers.findIndex(({ outcome }) => outcome === 'done');
    if (done >= 0) {
      const answer = toldAnswer(answers[done]!, targets[done]!.name);
      return { accepted: 1, by: targets[done]!, ...(answer && { answer }) };
    }
    if (answers.every(({ outcome }) => outcome === 'not-done')) return this.#toTheFirstOpen(messages, false, options);
    return { ...this.#stillUnknown(message, names, 'not all of them know'), doubt: ANYWHERE };
  }

  async #through(door: Door, messages: readonly OutboxMessage[], mayBeRepeat: boolean, options: Options): Promise<SentSomewhere> {
    const { clock } = this.options;
    const { sendingOf, signal } = options;
    const ended = door.enter();
    const startedAt = clock.monotonic();
    const sent = await door.target.send(messages, { sendingOf, signal, mayBeRepeat });
    const unknown = isWaybillError(sent.failure, 'OUTCOME_UNKNOWN');
    const failed = unknown || isWaybillError(sent.failure, 'SINK_UNAVAILABLE');
    ended(signal.aborted ? undefined : { failed, ms: clock.monotonic() - startedAt });
    const by = door.target;
    return unknown ? { ...sent, by, doubt: by } : { ...sent, by };
  }

  /** The first that does well; where none does, the next that was not tried. */
  #choose(tried: ReadonlySet<Door>): Door | undefined {
    if (this.#doors.length > 1)
      for (const door of this.#doors)
        if (door.state === 'ready' && door.target.policyState === 'open') door.leave('its circuit breaker is open');
    return this.#doors.find((door) => door.open) ?? this.#doors.find((door) => door.state !== 'suspended' && !tried.has(door));
  }

  /** One target that asks to be left alone for an hour must not keep the lane from the others. */
  #unlessOthersCan(sent: SentSomewhere): SentSomewhere {
    const { failure, by } = sent;
    if (!isWaybillError(failure, 'SINK_UNAVAILABLE') || failure.retryAfterMs === undefined) return sent;
    if (!this.#doors.some((door) => door.target !== by && door.open && door.target.policyState !== 'held')) return sent;
    const { cause } = failure;
    return { ...sent, failure: new SinkUnavailableError(cause instanceof Error ? cause.message : failure.message, { cause }) };
  }

  #nobody(message: OutboxMessage, mayBeRepeat: boolean): SentSomewhere {
    const why = this.#doors.map(({ target, why: each }) => `${target.name} (${each})`).join(', ');
    const detail = `every target is suspended: ${why}; resume one with the sink's resume(name)`;
    const where = this.#doors.map(({ target }) => target.name).join(', ');
    // An outage would be followed by another send.
    if (mayBeRepeat) return { ...this.#stillUnknown(message, where, detail), doubt: ANYWHERE };
    return { accepted: 0, failure: new SinkUnavailableError(detail) };
  }

  #stillUnknown({ id }: OutboxMessage, where: string, detail: string): Sent {
    return { accepted: 0, failure: new OutcomeUnknownError(where, id, `it may have been done there, and ${detail}`) };
  }

  #named(name: string): Door {
    const door = this.#doors.find(({ target }) => target.name === name);
    if (door) return door;
    const known = this.#doors.map(({ target }) => target.name).join(', ');
    throw new InvalidOptionsError(`There is no target ${JSON.stringify(name)}; there are: ${known}.`);
  }

  #tellWhoIsUsed(door: Door, logger: Logger): void {
    if (door === this.#lastUsed) return;
    const left = this.#lastUsed;
    this.#lastUsed = door;
    logger.warn({ from: left.target.name, to: door.target.name, why: left.why }, 'messages go to another target');
  }
}
