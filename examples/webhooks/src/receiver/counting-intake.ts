import type { ArrivedMessage, Intake, Taken, TakeOptions } from '@waybill/core';

/** Counts what becomes of messages. */
export class CountingIntake implements Intake {
  taken = 0;
  duplicates = 0;
  failed = 0;

  constructor(private readonly intake: Intake) {}

  async take(message: ArrivedMessage, options: TakeOptions): Promise<Taken> {
    try {
      const taken = await this.intake.take(message, options);
      if (taken === 'duplicate') this.duplicates += 1;
      else this.taken += 1;
      return taken;
    } catch (error) {
      this.failed += 1;
      throw error;
    }
  }
}
