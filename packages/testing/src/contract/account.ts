import { AggregateRoot, defineEvent, unchecked } from '@waybill/core';
import type { EventOf } from '@waybill/core';

const Opened = defineEvent('Opened', unchecked<{ readonly owner: string }>());
export const Deposited = defineEvent('Deposited', unchecked<{ readonly cents: number }>());

type Opened = EventOf<typeof Opened>;
type Deposited = EventOf<typeof Deposited>;

export const accountCatalogue = [Opened, Deposited];

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
