import type { MessageDefinition } from '../message/definition.js';
import { handlerDecorator } from './handler-decorator.js';
import type { HandlerDecorator, HandlerOptions } from './handler-decorator.js';

/**
 * Handles our own messages after commit, behind the inbox: `@OutboxHandler(OrderPlaced, { name: 'send-receipt' })`. Standard and
 * legacy decorators alike. Above any other decorator of the method, for it remembers the method that it sees.
 *
 * @throws {@link InvalidOptionsError} no name, or no event
 */
export function OutboxHandler<const Defined extends MessageDefinition, const Options extends HandlerOptions>(
  events: Defined | readonly Defined[],
  options: Options,
): HandlerDecorator<Defined, Options> {
  return handlerDecorator('outbox', events, options);
}
