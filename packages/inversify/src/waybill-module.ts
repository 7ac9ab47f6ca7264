import { Dispatcher, HandlerSink, Inbox, UnitOfWork } from '@waybill/core';
import type { Database, DispatcherOptions, RouteOptions, UnitOfWorkOptions } from '@waybill/core';
import { ContainerModule } from 'inversify';
import type { ContainerModuleLoadOptions, Newable } from 'inversify';
import type { HandlerClasses, HandlerRouteOptions } from './handler-classes.js';

/** The options of unit of work and dispatcher together; those that both know are said once. */
export interface WaybillModuleOptions<Tx, Routes extends Readonly<Record<string, HandlerClasses>>>
  extends UnitOfWorkOptions<Tx>, Omit<DispatcherOptions, 'database' | 'catalogue' | 'routes' | 'logger' | 'clock' | 'random' | 'reached'> {
  readonly database: Database<Tx>;
  /** Each with a `sink`, as the dispatcher takes them, or with `handlers`: classes to resolve from the container. */
  readonly routes: { readonly [Name in keyof Routes]: RouteOptions | HandlerRouteOptions<NoInfer<Tx>, Routes[Name]> };
}

/**
 * Binds `UnitOfWork`, `Inbox`, `Dispatcher` and the handler classes, one of each for the whole container. The classes are the
 * tokens: `container.get(UnitOfWork<PostgresTx>)`, `@inject(UnitOfWork)`.
 *
 * A handler class that is bound already is left as it is; bind yours before you load the module. Nothing is resolved before you
 * ask, and nothing starts by itself: handlers are resolved with the dispatcher, which you start. Unloading the module, or
 * unbinding everything, stops the dispatcher and therefore takes the asynchronous form, `await container.unbindAllAsync()`.
 */
export function waybillModule<Tx, const Routes extends Readonly<Record<string, HandlerClasses>>>(
  options: WaybillModuleOptions<Tx, Routes>,
): ContainerModule {
  const routes = Object.entries<RouteOptions | HandlerRouteOptions<Tx>>(options.routes);
  const classes = [...new Set(routes.flatMap(([, route]) => classesOf(route)))];

  return new ContainerModule((container) => {
    const { bind } = container;
    bindHandlers(classes, container);
    bind(UnitOfWork)
      .toDynamicValue(() => new UnitOfWork<Tx>(options) as UnitOfWork)
      .inSingletonScope();
    bind(Inbox)
      .toResolvedValue((unitOfWork: UnitOfWork<Tx>) => new Inbox<Tx>({ ...options, unitOfWork }) as Inbox, [UnitOfWork<Tx>])
      .inSingletonScope();
    // By a plan, not by asking the container: so that a handler may wait for something, and a circle is found and named.
    bind(Dispatcher)
      .toResolvedValue<[UnitOfWork<Tx>, ...object[]]>(
        (unitOfWork, ...handlers) => {
          const handlerOf = new Map(classes.map((type, index) => [type, handlers[index]!]));
          return new Dispatcher({
            ...options,
            routes: resolved(routes, (types) =>
              sinkOf(
                types.map((type) => handlerOf.get(type)!),
                unitOfWork,
              ),
            ),
          });
        },
        [UnitOfWork<Tx>, ...classes],
      )
      .inSingletonScope()
      .onDeactivation((dispatcher) => dispatcher.stop());
  });

  function sinkOf(handlers: readonly object[], unitOfWork: UnitOfWork<Tx>): HandlerSink<Tx> {
    return new HandlerSink<Tx>({ ...options, unitOfWork, handlers });
  }
}

const classesOf = <Tx>(route: RouteOptions | HandlerRouteOptions<Tx>): HandlerClasses => ('handlers' in route ? route.handlers : []);

function bindHandlers(classes: readonly Newable<object>[], { bind, isBound }: ContainerModuleLoadOptions): void {
  for (const type of classes) {
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
