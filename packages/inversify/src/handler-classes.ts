import type { HandlersFor, RouteOptions } from '@waybill/core';
import type { Newable } from 'inversify';

/** Like a route, but with classes to resolve from the container instead of a sink. What it selects, the handlers say. */
export interface HandlerRouteOptions<Tx, Classes extends HandlerClasses = HandlerClasses> extends Omit<RouteOptions, 'sink' | 'only'> {
  /** Classes with `@OutboxHandler` methods. They run in this order, each behind the inbox. */
  readonly handlers: Classes & ClassesFor<Tx, Classes>;
  readonly sink?: never;
  readonly only?: never;
}

export type HandlerClasses = readonly Newable<object>[];

/** The classes themselves where their handlers take the database's transaction; a sentence that names the method where they do not. */
export type ClassesFor<Tx, Classes extends HandlerClasses> = {
  readonly [Index in keyof Classes]: HandlersFor<Tx, [InstanceType<Classes[Index]>]> extends readonly [infer Checked]
    ? Checked extends string
      ? Checked
      : Classes[Index]
    : never;
};
