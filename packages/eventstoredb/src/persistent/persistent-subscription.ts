import type { Credentials, EventStoreDBClient } from '@eventstore/db-client';
import { InvalidOptionsError } from '@waybill/core';
import type { Received, Receiver } from '@waybill/core';
import type { CurrentClient } from '../connection/current-client.js';
import { pull } from '../connection/pull.js';
import { readingFailure } from '../connection/reading-failure.js';
import { within } from '../connection/within.js';
import { PersistentSubscriptionMissingError } from '../eventstoredb-errors.js';
import type { Settings } from '../eventstoredb-options.js';
import { arrivalOf } from '../subscription/arrival.js';
import type { Selection } from '../subscription/selection.js';
import { Answers } from './answers.js';
import { Delivery } from './delivery.js';
import { Group } from './group.js';
import type { Delivered } from './group.js';
import { differences, isStuck, plainInfo } from './group-info.js';
import type { PersistentSubscriptionInfo } from './group-info.js';
import type { PersistentSubscriptionSettings } from './persistent-subscription-options.js';

/**
 * A persistent subscription of EventStoreDB: the server remembers what the consumers of a group have answered, hands out again what they have
 * not, and parks what was handed out too often. At least once, and in no order that could be relied on.
 */
export class PersistentSubscription implements Receiver {
  readonly name: string;
  readonly #group: Group;
  #isKnown = false;

  /** @internal */
  constructor(
    private readonly current: CurrentClient,
    private readonly settings: Settings,
    private readonly selection: Selection,
    private readonly options: PersistentSubscriptionSettings,
  ) {
    this.name = `group ${options.group} on ${selection.name}`;
    this.#group = new Group(options.group, selection);
  }

  async *receive({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<Received> {
    if (signal.aborted) return;
    const client = this.current.get();
    try {
      yield* this.#receive(client, signal);
      if (!signal.aborted) throw new Error('the server ended it without a reason');
    } catch (cause) {
      if (signal.aborted) return;
      if (typeOf(cause) === 'persistent-subscription-dropped') await this.info(); // it is missing, if it was deleted
      throw this.#failure(client, 'receiving from', cause);
    }
  }

  /**
   * Hands out once more what is parked, to whichever consumer, as if for the first time. The server does not keep it parked meanwhile: what is
   * not handled when it restarts is not handed out again.
   *
   * @param options.atMost - how many; default all
   * @throws {@link PersistentSubscriptionMissingError} there is no such group
   * @throws {@link EventStoreDBUnavailableError}
   */
  async replayParked({ atMost }: { readonly atMost?: number } = {}): Promise<void> {
    if (atMost !== undefined && !(Number.isInteger(atMost) && atMost > 0))
      throw new InvalidOptionsError(`atMost is ${atMost}; it is how many parked messages to replay, at least 1.`);
    await this.#ask('replaying what is parked of', (client, credentials) => this.#group.replayParked(client, atMost, credentials));
  }

  /**
   * What the server knows of the group.
   *
   * @throws {@link PersistentSubscriptionMissingError} there is no such group
   * @throws {@link EventStoreDBUnavailableError}
   */
  async info(): Promise<PersistentSubscriptionInfo> {
    return plainInfo(await this.#ask('looking at', (client, credentials) => this.#group.info(client, credentials)));
  }

  async *#receive(client: EventStoreDBClient, signal: AbortSignal): AsyncGenerator<Received> {
    const { clock, readTimeoutMs: timeoutMs } = this.settings;
    const { bufferSize, silenceMs, source } = this.options;
    const credentials = await within(this.current.credentials(), { clock, ms: timeoutMs, what: 'credentials' });
    await this.#create(client, credentials);
    const connection = this.#group.connect(client, bufferSize, credentials);
    connection.on('confirmation', () => (this.#isKnown = true));
    const answers = new Answers({ connection, name: this.name, clock, timeoutMs, ask: () => this.#group.info(client, credentials) });
    const onSilence = (): Promise<void> => this.#checkThatNothingWaits();
    const items = pull<Delivered>(this.current, connection, { clock, signal, silenceMs, onSilence, cancel: () => answers.end() });

    for await (const delivered of items) {
      const { event } = delivered;
      answers.expect(delivered);
      if (event && this.selection.selects(event)) yield new Delivery(arrivalOf(event, source), delivered, answers);
      else await answers.ack(delivered);
    }
  }

  async #create(client: EventStoreDBClient, credentials: Credentials | undefined): Promise<void> {
    const { create, logger } = this.options;
    if (!create || this.#isKnown) return; // one that somebody deleted does not come back, and begin anew, by itself
    const { clock, readTimeoutMs: ms } = this.settings;
    try {
      await within(this.#group.create(client, create, credentials), { clock, ms, what: 'answer to the creation of the group' });
    } catch (error) {
      if (typeOf(error) !== 'persistent-subscription-exists') throw error;
      const info = await within(this.#group.info(client, credentials), { clock, ms, what: 'answer to a look at the group' });
      const others = differences(info, create);
      if (others.length > 0)
        logger.warn({ group: this.options.group, others }, `${this.name} was made with other settings, and keeps them`);
    }
    this.#isKnown = true;
  }

  async #checkThatNothingWaits(): Promise<void> {
    if (isStuck(await this.info())) throw new Error(`messages wait, and none came for ${this.options.silenceMs} ms (silenceMs)`);
  }

  async #ask<Answer>(
    what: string,
    act: (client: EventStoreDBClient, credentials: Credentials | undefined) => Promise<Answer>,
  ): Promise<Answer> {
    const client = this.current.get();
    const { clock, readTimeoutMs: ms } = this.settings;
    const answer = async (): Promise<Answer> => act(client, await this.current.credentials());
    try {
      return await within(answer(), { clock, ms, what: 'answer' });
    } catch (cause) {
      throw this.#failure(client, what, cause);
    }
  }

  #failure(client: EventStoreDBClient, what: string, cause: unknown): Error {
    if (typeOf(cause) === 'persistent-subscription-does-not-exist') return new PersistentSubscriptionMissingError(this.name, { cause });
    return readingFailure({ current: this.current, client, what: `${what} ${this.name}`, cause });
  }
}

const typeOf = (error: unknown): string | undefined => (error as { type?: string }).type;
