/** Stands for a port until its adapter is there. */
export function unfinished<Port extends object>(name: string): Port {
  return new Proxy({} as Port, {
    get: (_port, property) => {
      throw new Error(`${name}.${String(property)} is not there yet`);
    },
  });
}
