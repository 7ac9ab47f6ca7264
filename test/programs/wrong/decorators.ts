import { InboxHandler, OutboxHandler } from '@waybill/core';
import type { CallContext, Commit, HandlerContext, Message } from '@waybill/core';
import type { PostgresTx } from '@waybill/postgres';
import { OrderCancelled, OrderPlaced } from '../usage/orders/order-events.js';

export class Wrong {
  // @ts-expect-error The message parameter of this method does not accept OrderPlaced
  @OutboxHandler(OrderPlaced, { name: 'a' })
  async anotherEvent(_message: Message<OrderCancelled>): Promise<void> {}

  // @ts-expect-error The message parameter of this method does not accept OrderCancelled
  @OutboxHandler([OrderPlaced, OrderCancelled], { name: 'a' })
  async oneOfTwoForgotten(_message: Message<OrderPlaced>): Promise<void> {}

  // @ts-expect-error Expected 2 arguments, but got 1
  @OutboxHandler(OrderPlaced)
  async noName(_message: Message<OrderPlaced>): Promise<void> {}

  // @ts-expect-error A handler returns Promise<void>: make the method async (or say twoStep: true)
  @OutboxHandler(OrderPlaced, { name: 'a' })
  notAsync(_message: Message<OrderPlaced>): void {}

  // @ts-expect-error The first step of a two-step handler has no transaction: its context is a CallContext
  @OutboxHandler(OrderPlaced, { name: 'a', twoStep: true })
  async twoStepWithTransaction(_message: Message<OrderPlaced>, { tx }: HandlerContext<PostgresTx>): Promise<Commit<PostgresTx>> {
    return async () => void tx;
  }

  // @ts-expect-error A two-step handler returns Promise<Commit<Tx>>, the function that commits the result, or Promise<CommitOrCompensate<Tx>>
  @OutboxHandler(OrderPlaced, { name: 'a', twoStep: true })
  async twoStepThatCommitsNothing(_message: Message<OrderPlaced>, _context: CallContext): Promise<void> {}

  // @ts-expect-error A two-step handler returns Promise<Commit<Tx>>, the function that commits the result, or Promise<CommitOrCompensate<Tx>>
  @OutboxHandler(OrderPlaced, { name: 'a', twoStep: true })
  async twoStepThatCannotCommit(_message: Message<OrderPlaced>, _context: CallContext): Promise<{ compensate(): Promise<void> }> {
    return { compensate: async () => {} };
  }

  // @ts-expect-error A handler returns Promise<void>: make the method async (or say twoStep: true)
  @OutboxHandler(OrderPlaced, { name: 'a' })
  async twoStepThatDoesNotSaySo(_message: Message<OrderPlaced>, _context: CallContext): Promise<Commit<PostgresTx>> {
    return async () => {};
  }

  // @ts-expect-error 'nam' does not exist in type
  @OutboxHandler(OrderPlaced, { nam: 'a' })
  async anotherOption(_message: Message<OrderPlaced>): Promise<void> {}
}

export class WrongAboutWhatArrives {
  // @ts-expect-error The message parameter of this method does not accept OrderPlaced
  @InboxHandler(OrderPlaced, { name: 'a' })
  async anotherEvent(_message: Message<OrderCancelled>): Promise<void> {}

  // @ts-expect-error Expected 2 arguments, but got 1
  @InboxHandler(OrderPlaced)
  async noName(_message: Message<OrderPlaced>): Promise<void> {}

  // @ts-expect-error A handler returns Promise<void>: make the method async (or say twoStep: true)
  @InboxHandler(OrderPlaced, { name: 'a' })
  notAsync(_message: Message<OrderPlaced>): void {}

  // @ts-expect-error The first step of a two-step handler has no transaction: its context is a CallContext
  @InboxHandler(OrderPlaced, { name: 'a', twoStep: true })
  async twoStepWithTransaction(_message: Message<OrderPlaced>, { tx }: HandlerContext<PostgresTx>): Promise<Commit<PostgresTx>> {
    return async () => void tx;
  }

  // @ts-expect-error A two-step handler returns Promise<Commit<Tx>>, the function that commits the result, or Promise<CommitOrCompensate<Tx>>
  @InboxHandler(OrderPlaced, { name: 'a', twoStep: true })
  async twoStepThatCommitsNothing(_message: Message<OrderPlaced>, _context: CallContext): Promise<void> {}
}
