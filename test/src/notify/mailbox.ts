import type { Alarm, Finding, Notifier } from '@waybill/core';

/** Where a test reads what people are told. It can refuse, and it can hang. */
export class Mailbox implements Notifier {
  readonly alarms: Alarm[] = [];
  /** Every call, also those that were not taken. */
  tries = 0;
  /** Calls of which nothing came before their time was over. */
  aborted = 0;
  refusal: Error | undefined;
  hangs = false;

  async notify(alarm: Alarm, signal: AbortSignal): Promise<void> {
    this.tries++;
    signal.addEventListener('abort', () => this.aborted++);
    if (this.hangs) return new Promise(() => {});
    if (this.refusal) throw this.refusal;
    this.alarms.push(alarm);
  }

  get titles(): readonly string[] {
    return this.alarms.map(({ title }) => title);
  }
}

export const aFinding = (overrides: Partial<Finding> = {}): Finding => ({
  kind: 'lane-halted',
  key: 'lane-halted/orders/3',
  route: 'orders',
  lane: 3,
  since: new Date('2025-01-01T00:00:00Z'),
  title: 'Lane orders/3 halted at order-7@12',
  text: 'Message m-1 was not accepted.',
  ...overrides,
});

export const findings = (count: number): readonly Finding[] =>
  Array.from({ length: count }, (_, index) => aFinding({ key: `lane-halted/orders/${index}`, lane: index, title: `lane ${index}` }));
