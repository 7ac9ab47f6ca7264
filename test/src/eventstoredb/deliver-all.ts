import type { OutboxMessage } from '@waybill/core';
import { eventually } from '@waybill/testing';
import type { Emulated } from './emulated.js';

/** Delivers again and again until all is stored, as a lane does. */
export async function deliverAll({ deliver }: Pick<Emulated, 'deliver'>, messages: readonly OutboxMessage[]): Promise<void> {
  await eventually('the delivery', async () => ((await deliver(messages)).accepted === messages.length ? true : undefined));
}
