import type { InMemoryDatabase } from '@waybill/core/in-memory';

/** A process's way to the database. */
export interface Link {
  readonly database: InMemoryDatabase;
  /** While it is set, no call of a dispatcher gets through: the process is cut off, frozen, or dead. */
  cut: boolean;
}

const PORTS = ['leases', 'lanes', 'instances', 'actions', 'status', 'retention'] as const;

export function linkTo(database: InMemoryDatabase): Link {
  const link: Link = { cut: false, database: Object.create(database) as InMemoryDatabase };
  const unlessCut = (port: object): object =>
    new Proxy(port, {
      get: (target, name) => {
        const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        return (...args: unknown[]): unknown => (link.cut ? Promise.reject(new Error('the network is down')) : method.apply(target, args));
      },
    });
  for (const name of PORTS) Object.defineProperty(link.database, name, { value: unlessCut(database[name]) });
  return link;
}
