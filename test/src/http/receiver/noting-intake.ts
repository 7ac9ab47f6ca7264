import type { ArrivedMessage, Intake, Taken, TakeOptions } from '@waybill/core';

/** Notes what it takes, by id, and answers as a test wants it. */
export class NotingIntake implements Intake {
  readonly taken: ArrivedMessage[] = [];
  before: (message: ArrivedMessage, options: TakeOptions) => Promise<void> | void = () => {};
  outcome: Taken = 'handled';

  async take(message: ArrivedMessage, options: TakeOptions): Promise<Taken> {
    await this.before(message, options);
    if (this.taken.some(({ id }) => id === message.id)) return 'duplicate';
    this.taken.push(message);
    return this.outcome;
  }

  get ids(): readonly string[] {
    return this.taken.map(({ id }) => id);
  }
}
