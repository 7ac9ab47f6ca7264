import type { ConsumerOptions, ProjectionsOptions } from '@waybill/core';
import type { ClassesFor, HandlerClasses } from './handler-classes.js';

/** What the module's options say for everything in it. */
type SaidOnce = 'database' | 'unitOfWork' | 'catalogue' | 'middleware' | 'logger' | 'clock' | 'random' | 'reached';

/** Like a consumer, but with classes to resolve from the container instead of instances. */
export interface ConsumerClassesOptions<Tx, Classes extends HandlerClasses = HandlerClasses> extends Omit<
  ConsumerOptions<Tx>,
  SaidOnce | 'name' | 'handlers'
> {
  /** Classes with `@InboxHandler` methods. They run in this order. */
  readonly handlers: Classes & ClassesFor<Tx, Classes>;
}

/** Like projections that follow a log, but with classes to resolve from the container instead of projectors. */
export interface ProjectionClassesOptions<Tx> extends Omit<ProjectionsOptions<Tx>, SaidOnce | 'projections'> {
  /** Classes with `@Projection`. */
  readonly classes: HandlerClasses;
}
