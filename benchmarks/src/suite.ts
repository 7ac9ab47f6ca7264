import type { Figure } from './figure.js';
import { atMost } from './sizes.js';
import type { Sizes } from './sizes.js';

/** A server of the run. */
export interface Server<Scratch> {
  /** One line: which server this is. Figures mean something only beside it. */
  readonly description: string;
  /** How many messages it can hold at once, where that is a limit. */
  readonly holds?: number;
  /** Runs a section in databases of its own, which are gone afterwards. */
  within<Result>(work: (scratch: Scratch) => Promise<Result>): Promise<Result>;
  stop(): Promise<void>;
}

export type Section<Scratch> = (sizes: Sizes, scratch: Scratch) => Promise<readonly Figure[]>;

/** A figure and the server that gave it. */
export interface Measured extends Figure {
  readonly server: string;
}

/** What is measured on one kind of server. */
export interface Suite {
  readonly sections: readonly string[];
  /** Starts the server, runs these sections on it, stops it. Tells of the server before the first figure. */
  run(sections: readonly string[], sizes: Sizes, onServer: (description: string) => void): AsyncGenerator<Measured>;
}

export function suite<Scratch>(
  start: () => Promise<Server<Scratch>>,
  sections: Readonly<Record<string, readonly Section<Scratch>[]>>,
): Suite {
  return {
    sections: Object.keys(sections),
    async *run(asked, sizes, onServer) {
      const server = await start();
      try {
        onServer(server.description);
        const name = nameOf(server.description);
        const fitting = server.holds === undefined ? sizes : atMost(sizes, server.holds);
        for (const section of asked.flatMap((each) => sections[each] ?? []))
          for (const figure of await server.within((scratch) => section(fitting, scratch))) yield { ...figure, server: name };
      } finally {
        await server.stop();
      }
    },
  };
}

/** The beginning of its line: short enough for a table. */
const nameOf = (description: string): string => description.split(/, | from | at /)[0]!;
