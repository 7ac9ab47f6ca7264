import { Consumer, HandlerSink, InboxHandlers, OutboxHandler, projector, UnitOfWork } from '@waybill/core';
import type { CallContext, Commit, CommitOrCompensate, Database, EventLog, HandlerContext, Message, ProcessManagers } from '@waybill/core';
import type { PostgresDatabase, PostgresTx } from '@waybill/postgres';
import { orderCatalogue as catalogue, OrderPlaced } from '../usage/orders/order-events.js';
import type { OtherTx } from './other-database.js';

declare const database: PostgresDatabase;
declare const unitOfWork: UnitOfWork<PostgresTx>;
declare const other: Database<OtherTx>;

class Foreign {
  constructor(readonly option: number) {}

  @OutboxHandler(OrderPlaced, { name: 'foreign' })
  async onPlaced(_message: Message<OrderPlaced>, { tx }: HandlerContext<OtherTx>): Promise<void> {
    void tx;
  }

  help(_text: string): void {}
}

class Own {
  @OutboxHandler(OrderPlaced, { name: 'own' })
  async onPlaced(_message: Message<OrderPlaced>, { tx }: HandlerContext<PostgresTx>): Promise<void> {
    void tx;
  }

  help(_text: string): void {}
  async two(_one: number, _other: string): Promise<void> {}
  async none(): Promise<void> {}
  async neutral(_message: Message<OrderPlaced>, _context: HandlerContext<unknown>): Promise<void> {}
}

class TwoSteps {
  async ownWithAWayBack(_message: Message<OrderPlaced>, _context: CallContext): Promise<CommitOrCompensate<PostgresTx>> {
    return { commit: async () => {}, compensate: async () => {} };
  }

  async either(_message: Message<OrderPlaced>, _context: CallContext): Promise<Commit<PostgresTx> | CommitOrCompensate<PostgresTx>> {
    return async () => {};
  }

  async own(_message: Message<OrderPlaced>, _context: CallContext): Promise<Commit<PostgresTx>> {
    return async () => {};
  }

  async foreign(_message: Message<OrderPlaced>, _context: CallContext): Promise<Commit<OtherTx>> {
    return async () => {};
  }
}

class TwoStepsWithAWayBack {
  async foreign(_message: Message<OrderPlaced>, _context: CallContext): Promise<CommitOrCompensate<OtherTx>> {
    return { commit: async () => {}, compensate: async () => {} };
  }
}

export const right = new HandlerSink({ database, unitOfWork, handlers: [new Own()] });

// @ts-expect-error onPlaced() wants the transaction of another database
export const oneStep = new HandlerSink({ database, unitOfWork, handlers: [new Own(), new Foreign(1)] });

// @ts-expect-error foreign() wants the transaction of another database
export const twoSteps = new HandlerSink({ database, unitOfWork, handlers: [new TwoSteps()] });

// @ts-expect-error foreign() wants the transaction of another database
export const taken = new HandlerSink({ database, unitOfWork, handlers: [new TwoStepsWithAWayBack()] });

// @ts-expect-error onPlaced() wants the transaction of another database
export const arriving = new InboxHandlers({ name: 'a', database, unitOfWork, handlers: [new Own(), new Foreign(1)] });

declare const processes: ProcessManagers<PostgresTx>;
declare const foreignProcesses: ProcessManagers<OtherTx>;
declare const log: EventLog;

export const waiting = new HandlerSink({ database, unitOfWork, handlers: [new Own(), processes] });

// @ts-expect-error These processes want the transaction of another database
export const foreignWaiting = new HandlerSink({ database, unitOfWork, handlers: [new Own(), foreignProcesses] });

// @ts-expect-error These processes want the transaction of another database
export const foreignFollowing = new Consumer({ name: 'a', database, unitOfWork, receiver: log, handlers: [foreignProcesses] });

// @ts-expect-error Type 'UnitOfWork<PostgresTx>' is not assignable to type
export const mixed = new HandlerSink({ database: other, unitOfWork, handlers: [] });

const list = projector<OtherTx>('list').on(OrderPlaced, async (_message, { tx }) => tx.session);
// @ts-expect-error Type 'ProjectorBuilder<OtherTx>' is not assignable to type
export const projecting = new UnitOfWork({ database, catalogue, projectors: [list] });

// @ts-expect-error 'session' does not exist in type 'PostgresTx'
await unitOfWork.join({ session: 1 }, async () => {});
