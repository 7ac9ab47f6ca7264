export { waybillModule } from './waybill-module.js';
export type { WaybillModuleOptions } from './waybill-module.js';
export type { ConsumerClassesOptions, ProjectionClassesOptions } from './consumer-classes.js';
export type { ClassesFor, HandlerClasses, HandlerRouteOptions } from './handler-classes.js';
