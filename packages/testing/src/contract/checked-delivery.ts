import { isWaybillError } from '@waybill/core';
import type { Delivery, OutboxMessage } from '@waybill/core';

/** A sink answered what no sink may, whatever happened. */
export class BrokenRuleError extends Error {}

const KINDS = ['SINK_UNAVAILABLE', 'MESSAGE_REJECTED', 'OUTCOME_UNKNOWN'] as const;

/**
 * The sink's answer, if it keeps the rules of the port.
 *
 * @throws {@link BrokenRuleError}
 */
export function checkedDelivery(delivery: Delivery, batch: readonly OutboxMessage[]): Delivery {
  const { accepted, acceptedBeyond = [], failure, replies = [] } = delivery;
  const broken = (rule: string): BrokenRuleError =>
    new BrokenRuleError(`The sink answered ${accepted} of ${batch.length} accepted; ${rule}.`);
  if (!Number.isInteger(accepted) || accepted < 0 || accepted > batch.length) throw broken('that is no prefix of the batch');
  if (accepted < batch.length && !failure) throw broken('it must say why the next message was not');
  if (accepted === batch.length && failure) throw broken('nothing is left that could have failed');
  if (failure && !KINDS.some((code) => isWaybillError(failure, code)))
    throw broken("its failure is neither the sink's trouble nor the message's, and no unknown outcome");
  if (isWaybillError(failure, 'MESSAGE_REJECTED') && failure.messageId !== batch[accepted]!.id)
    throw broken('and refused another message than the next');
  const stray = replies.find(({ to }) => batch[to] === undefined);
  if (stray) throw broken(`and had a reply to message ${stray.to}, which is not in the batch`);
  const held = new Set<string>();
  for (const [index, { stream }] of batch.entries()) {
    const taken = index < accepted || acceptedBeyond.includes(index);
    if (taken && held.has(stream)) throw broken(`message ${index} was accepted behind one of its stream that was not`);
    if (!taken) held.add(stream);
  }
  return delivery;
}
