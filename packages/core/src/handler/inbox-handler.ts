import type { MessageDefinition } from '../message/definition.js';
import { handlerDecorator } from './handler-decorator.js';
import type { HandlerDecorator, HandlerOptions } from './handler-decorator.js';

/**
 * Handles messages that arrive from elsewhere, behind the inbox: `@InboxHandler(ParcelShipped, { name: 'close-order' })`. Standard and
 * legacy decorators alike. Above any other decorator of the method, for it remembers the method that it sees.
 *
 * An {@link InboxHandlers} runs them before it answers, or a {@link HandlerSink} with `kind: 'inbox'` over an {@link ArrivalLog} later; both
 * claim by name and message id, so that one may take over from the other.
 *
 * @throws {@link InvalidOptionsError} no name, or no event
 */
export function InboxHandler<const Defined extends MessageDefinition, const Options extends HandlerOptions>(
  events: Defined | readonly Defined[],
  options: Options,
): HandlerDecorator<Defined, Options> {
  return handlerDecorator('inbox', events, options);
}
