import type { CallContext, HandlerContext, SecondStep } from './handler-context.js';

// Decorators leave no type behind, but parameters do: a handler that wants another database's `tx` becomes a sentence.
export type HandlersFor<Tx, Handlers extends readonly object[]> = {
  readonly [Index in keyof Handlers]: [Foreign<Tx, Handlers[Index]>] extends [never]
    ? Handlers[Index]
    : `${Foreign<Tx, Handlers[Index]>}() wants the transaction of another database`;
};
type Foreign<Tx, Handler> = { [Name in keyof Handler & string]: Tx extends WantedTx<Handler[Name]> ? never : Name }[keyof Handler & string];
type WantedTx<Method> = Method extends (message: never, context: CallContext) => Promise<SecondStep<infer Tx>>
  ? Tx
  : Method extends (message: never, context: HandlerContext<infer Tx>) => unknown
    ? Tx
    : unknown;
