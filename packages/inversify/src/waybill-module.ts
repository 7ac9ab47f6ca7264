import { Consumer, Dispatcher, HandlerSink, Inbox, projectorOf, Projections, UnitOfWork } from '@waybill/core';
import type { Database, DispatcherOptions, HandlerMiddleware, RouteOptions, UnitOfWorkOptions } from '@waybill/core';
import { ContainerModule } from 'inversify';
import type { ContainerModuleLoadOptions, Newable } from 'inversify';
import type { ConsumerClassesOptions, ProjectionClassesOptions } from './consumer-classes.js';
import type { HandlerClasses, HandlerRouteOptions } from './handler-classes.js';

type Named = Readonly<Record<string, HandlerClasses>>;

/** The options of unit of work and dispatcher together; those that both know are said once. */
export interface WaybillModuleOptions<Tx, Routes extends Named, Consumers extends Named = Named>
  extends UnitOfWorkOptions<Tx>, Omit<DispatcherOptions, 'database' | 'catalogue' | 'routes' | 'logger' | 'clock' | 'random' | 'reached'> {
  readonly database: Database<Tx>;
  /** Each with a `sink`, as the dispatcher takes them, or with `handlers`: classes to resolve from the container. */
  readonly routes: { readonly [Name in keyof Routes]: RouteOptions | HandlerRouteOptions<NoInfer<Tx>, Routes[Name]> };
  /** By their durable names, with classes to resolve from the container. */
  readonly consumers?: { readonly [Name in keyof Consumers]: ConsumerClassesOptions<NoInfer<Tx>, Consumers[Name]> };
  /** What follows a log, with classes to resolve from the container. Those that run in the unit of work are its `projectors`. */
  readonly projections?: ProjectionClassesOptions<NoInfer<Tx>>;
  /** Around each call of a handler in routes and consumers, the first outermost. */
  readonly middleware?: readonly HandlerMiddleware[];
}

/**
 * Binds `UnitOfWork`, `Inbox`, `Dispatcher` and the classes of handlers and projections, one of each for the whole container; `Projections`, and a
 * `Consumer` for each name, where there are some. The classes are the tokens: `container.get(UnitOfWork<PostgresTx>)`, `@inject(UnitOfWork)`;
 * consumers are told apart by name: `container.get(Consumer, { name: 'shipments' })`, `@inject(Consumer) @named('shipments')`.
 *
 * A class that is bound already is left as it is; bind yours before you load the module. Nothing is resolved before you
 * ask, and nothing starts by itself: handlers are resolved with the dispatcher or the consumer, which you start. Unloading the module, or
 * unbinding everything, stops what was resolved and therefore takes the asynchronous form, `await container.unbindAllAsync()`.
 */
export function waybillModule<Tx, const Routes extends Named, const Consumers extends Named = Named>(
  options: WaybillModuleOptions<Tx, Routes, Consumers>,
): ContainerModule {
  const routes = Object.entries<RouteOptions | HandlerRouteOptions<Tx>>(options.routes);
  const consumers = Object.entries<ConsumerClassesOptions<Tx>>(options.consumers ?? {});
  const classesOfRoutes = [...new Set(routes.flatMap(([, route]) => classesOf(route)))];
  const { projections } = options;

  return new ContainerModule((container) => {
    bindClasses([...classesOfRoutes, ...consumers.flatMap(([, { handlers }]) => handlers), ...(projections?.classes ?? [])], container);
    bindUnitOfWork(container);
    bindDispatcher(container);
    for (const [name, consumer] of consumers) bindConsumer(name, consumer, container);
    if (projections) bindProjections(projections, container);
  });

  function bindUnitOfWork({ bind }: ContainerModuleLoadOptions): void {
    bind(UnitOfWork)
      .toDynamicValue(() => new UnitOfWork<Tx>(options) as UnitOfWork)
      .inSingletonScope();
    bind(Inbox)
      .toResolvedValue((unitOfWork: UnitOfWork<Tx>) => new Inbox<Tx>({ ...options, unitOfWork }) as Inbox, [UnitOfWork<Tx>])
      .inSingletonScope();
  }

  // By a plan, not by asking the container: so that a handler may wait for something, and a circle is found and named.
  function bindDispatcher({ bind }: ContainerModuleLoadOptions): void {
    bind(Dispatcher)
      .toResolvedValue<[UnitOfWork<Tx>, ...object[]]>(
        (unitOfWork, ...handlers) => {
          const handlerOf = new Map(classesOfRoutes.map((type, index) => [type, handlers[index]!]));
          const sinkOf = (types: HandlerClasses): HandlerSink<Tx> =>
            new HandlerSink<Tx>({ ...options, unitOfWork, handlers: types.map((type) => handlerOf.get(type)!) });
          return new Dispatcher({ ...options, routes: resolved(routes, sinkOf) });
        },
        [UnitOfWork<Tx>, ...classesOfRoutes],
      )
      .inSingletonScope()
      .onDeactivation((dispatcher) => dispatcher.stop());
  }

  function bindConsumer(
    name: string,
    { handlers: classes, ...consumer }: ConsumerClassesOptions<Tx>,
    { bind }: ContainerModuleLoadOptions,
  ): void {
    bind(Consumer)
      .toResolvedValue<[UnitOfWork<Tx>, ...object[]]>(
        (unitOfWork, ...handlers) => new Consumer<Tx>({ ...saidOnce(), ...consumer, name, unitOfWork, handlers }) as Consumer<unknown>,
        [UnitOfWork<Tx>, ...classes],
      )
      .inSingletonScope()
      .whenNamed(name)
      .onDeactivation((made) => made.stop());
  }

  function bindProjections({ classes, ...following }: ProjectionClassesOptions<Tx>, { bind }: ContainerModuleLoadOptions): void {
    const { catalogue } = options;
    bind(Projections)
      .toResolvedValue<object[]>(
        (...made) => new Projections<Tx>({ ...saidOnce(), ...following, catalogue, projections: made.map(projectorOf) }) as Projections,
        [...classes],
      )
      .inSingletonScope()
      .onDeactivation((made) => made.stop());
  }

  /** What consumers and projections know of the module's options; others of the same names, as `retry`, are their own. */
  function saidOnce(): Pick<typeof options, 'database' | 'middleware' | 'logger' | 'clock' | 'random' | 'reached'> {
    const { database, middleware, logger, clock, random, reached } = options;
    return {
      database,
      ...(middleware && { middleware }),
      ...(logger && { logger }),
      ...(clock && { clock }),
      ...(random && { random }),
      ...(reached && { reached }),
    };
  }
}

const classesOf = <Tx>(route: RouteOptions | HandlerRouteOptions<Tx>): HandlerClasses => ('handlers' in route ? route.handlers : []);

function bindClasses(classes: readonly Newable<object>[], { bind, isBound }: ContainerModuleLoadOptions): void {
  for (const type of new Set(classes)) {
    if (!isBound(type)) bind(type).toSelf().inSingletonScope();
  }
}

function resolved<Tx>(
  routes: readonly (readonly [string, RouteOptions | HandlerRouteOptions<Tx>])[],
  sinkOf: (handlers: HandlerClasses) => HandlerSink<Tx>,
): Readonly<Record<string, RouteOptions>> {
  return Object.fromEntries(
    routes.map(([name, route]): [string, RouteOptions] => {
      if (!('handlers' in route)) return [name, route];
      const { handlers, only: _handlersSay, ...options } = route;
      return [name, { ...options, sink: sinkOf(handlers) }];
    }),
  );
}
