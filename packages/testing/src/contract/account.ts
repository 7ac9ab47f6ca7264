import { AggregateRoot, defineEvent, unchecked } from '@waybill/core';
import type { EventHistory, EventOf, ReadHistoryOptions, RecordedMessage } from '@waybill/core';
import { randomUUID } from 'node:crypto';

const Opened = defineEvent('Opened', unchecked<{ readonly owner: string }>());
const Deposited = defineEvent('Deposited', unchecked<{ readonly cents: number }>());

type Opened = EventOf<typeof Opened>;
type Deposited = EventOf<typeof Deposited>;

export const accountCatalogue = [Opened, Deposited];
export { Deposited };

/** The aggregate that kits commit and load. */
export class Account extends AggregateRoot<Opened | Deposited> {
  readonly stream: string;
  #cents = 0;

  constructor(id: string) {
    super();
    this.stream = `account-${id}`;
  }

  get cents(): number {
    return this.#cents;
  }

  open(owner: string): this {
    this.emit(Opened({ owner }));
    return this;
  }

  deposit(cents: number): this {
    this.emit(Deposited({ cents }));
    return this;
  }

  protected override apply(event: Opened | Deposited): void {
    if (event.type === 'Deposited') this.#cents += event.data.cents;
  }
}

/** What an event store knows of streams that Waybill has yet to take over, and what others append there. */
export class OlderHistory implements EventHistory {
  readonly #streams = new Map<string, RecordedMessage[]>();

  append(stream: string, ...deposits: readonly number[]): void {
    const messages = this.#streams.get(stream) ?? [];
    for (const cents of deposits) {
      const revision = BigInt(messages.length);
      messages.push({
        ...{
          id: randomUUID(),
          kind: 'event',
          type: 'Deposited',
          stream,
          revision,
          occurredAt: new Date(),
          schemaVersion: 1,
          codec: 'json',
        },
        ...{ metadata: { correlationId: 'older' }, json: { cents } },
      });
    }
    this.#streams.set(stream, messages);
  }

  async *read(stream: string, { from }: ReadHistoryOptions): AsyncIterable<RecordedMessage> {
    yield* (this.#streams.get(stream) ?? []).filter(({ revision }) => revision >= from);
  }
}
