import type { MessagePlace } from '../../outbox/delivery-status.js';
import type { LaneStore } from '../../outbox/lane-store.js';
import type { OutboxMessage } from '../../outbox/outbox-message.js';
import type { DeliveryContext } from '../../sink/sink.js';

/** What is forgotten beyond that costs a look. */
const MOST_REMEMBERED = 10_000;

/** Which revision of each stream the route delivered last. While the lease is held nobody else adds to it, so each stream is looked up once. */
export class LastDelivered {
  readonly #remembered = new Map<string, bigint | undefined>();

  constructor(
    private readonly route: string,
    private readonly lanes: Pick<LaneStore, 'delivered'>,
  ) {}

  /**
   * Of each message of a batch, the revision of its stream that was delivered before it. Where the message itself was delivered already, nobody
   * knows any more which one that was.
   *
   * @throws {@link DatabaseUnavailableError}
   */
  async before(messages: readonly OutboxMessage[]): Promise<DeliveryContext['previous']> {
    const last = await this.#lastOf(new Set(messages.map(({ stream }) => stream)));
    const previous = new Map<string, bigint>();
    for (const { id, stream, revision } of messages) {
      const before = last.get(stream);
      if (before !== undefined && before < revision) previous.set(id, before);
      last.set(stream, revision);
    }
    return ({ id }) => previous.get(id);
  }

  /** Once it is stored. */
  remember(places: readonly MessagePlace[]): void {
    for (const { stream, revision } of places) this.#remember(stream, revision);
  }

  async #lastOf(streams: ReadonlySet<string>): Promise<Map<string, bigint | undefined>> {
    const unknown = [...streams].filter((stream) => !this.#remembered.has(stream));
    const found = unknown.length > 0 ? await this.lanes.delivered(this.route, unknown) : [];
    const looked = new Map(found.map(({ stream, revision }) => [stream, revision]));
    const last = new Map([...streams].map((stream) => [stream, this.#remembered.get(stream) ?? looked.get(stream)]));
    for (const stream of unknown) this.#remember(stream, looked.get(stream));
    return last;
  }

  #remember(stream: string, revision: bigint | undefined): void {
    this.#remembered.delete(stream); // to the end of the order
    this.#remembered.set(stream, revision);
    if (this.#remembered.size > MOST_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value!);
  }
}

/** The last of each stream, for the next holder. */
export function lastPlaces(messages: readonly OutboxMessage[]): readonly MessagePlace[] {
  return [...new Map(messages.map(({ stream, revision }) => [stream, { stream, revision }])).values()];
}
