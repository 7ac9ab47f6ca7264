import { isWaybillError } from '../errors.js';
import type { MessageHandlers } from '../handler/message-handlers.js';
import type { Logger } from '../logger.js';
import type { Catalogue } from '../message/catalogue.js';
import { isTrouble } from '../subscription/troubles.js';
import type { Tries, Verdict } from './ack-loop.js';
import type { Arrival } from './arrival.js';
import { checkArrived, receivedMessage } from './received-message.js';

export interface HandledDeliveryOptions<Tx> {
  readonly handlers: MessageHandlers<Tx>;
  readonly catalogue: Catalogue;
  readonly unknownTypes: 'reject' | 'ignore';
  readonly onFailure: 'retry' | 'park';
  /** Tries of a message before it is parked here. Default: as many as the source allows. */
  readonly attempts: number | undefined;
  readonly logger: Logger;
}

/** Runs the handlers of a delivery behind their claims, and judges what is to be answered. */
export async function handledDelivery<Tx>(
  arrival: Arrival,
  { attempt, mayBeRepeat, signal }: Tries,
  options: HandledDeliveryOptions<Tx>,
): Promise<Verdict> {
  const { handlers, catalogue, unknownTypes, onFailure, attempts = Infinity, logger } = options;
  const { type } = arrival.kind === 'message' ? arrival.message : arrival.unreadable;
  const isKnown = catalogue.find(type) !== undefined;
  if (!isKnown && unknownTypes === 'reject') return { kind: 'park', reason: `no handler wants messages of type "${type}"` };
  if (arrival.kind === 'unreadable') return isKnown ? { kind: 'park', reason: arrival.unreadable.error.message } : { kind: 'ack' };
  try {
    if (!isKnown) {
      checkArrived(arrival.message);
      return { kind: 'ack' };
    }
    const { message } = receivedMessage(arrival.message, catalogue);
    for (const handler of handlers.wanting(message.type)) {
      signal.throwIfAborted();
      await handlers.handle(handler, message, arrival.message.source, { attempt, mayBeRepeat, signal, logger });
    }
    return { kind: 'ack' };
  } catch (error) {
    if (signal.aborted || isTrouble(error)) return { kind: 'outage', error };
    const reason = error instanceof Error ? error.message : String(error);
    const isFailureOfHandler = isWaybillError(error, 'MESSAGE_REJECTED') && !error.final;
    // What cannot be read, or is refused for good, is not better the next time.
    return { kind: isFailureOfHandler && onFailure === 'retry' && attempt < attempts ? 'retry' : 'park', reason };
  }
}
