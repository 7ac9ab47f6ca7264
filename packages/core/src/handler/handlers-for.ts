import type { CallContext, HandlerContext, SecondStep } from './handler-context.js';
import type { OwnHandlers, ownHandlers } from './handler-declaration.js';

// Decorators leave no type behind, but parameters do: a handler that wants another database's `tx` becomes a sentence.
export type HandlersFor<Tx, Handlers extends readonly object[]> = {
  readonly [Index in keyof Handlers]: [Foreign<Tx, Handlers[Index]>] extends [never] ? Handlers[Index] : Foreign<Tx, Handlers[Index]>;
};
type Foreign<Tx, Handler> = {
  [Name in keyof Handler & (string | typeof ownHandlers)]: Tx extends WantedTx<Handler[Name]> ? never : Told<Name>;
}[keyof Handler & (string | typeof ownHandlers)];
type Told<Name> = Name extends string
  ? `${Name}() wants the transaction of another database`
  : 'These processes want the transaction of another database';
type WantedTx<Method> = Method extends (message: never, context: CallContext) => Promise<SecondStep<infer Tx>>
  ? Tx
  : Method extends (kind: never) => OwnHandlers<infer Tx>
    ? Tx
    : Method extends (message: never, context: HandlerContext<infer Tx>) => unknown
      ? Tx
      : unknown;
