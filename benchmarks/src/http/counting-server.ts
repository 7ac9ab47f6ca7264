import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Server } from '../suite.js';
import type { CountingOrder, CountingReport, ReceivedHttp } from './counting-reports.js';

/** The target of the run, seen from outside. */
export interface CountingServer {
  /** An address that answers after so many milliseconds; 0: at once. */
  url(afterMs: number): string;
  /** Bodies of what has come since somebody asked last, in the order in which it came. */
  counted(): Promise<readonly string[]>;
  /** The same with headers. */
  recorded(): Promise<readonly ReceivedHttp[]>;
}

export async function startCountingServer(): Promise<Server<CountingServer>> {
  const child = fork(fileURLToPath(new URL('counting-process.js', import.meta.url)), { execArgv: [] });
  const next = async <Kind extends CountingReport['kind']>(kind: Kind): Promise<Extract<CountingReport, { kind: Kind }>> => {
    const [report] = (await once(child, 'message')) as [CountingReport];
    if (report.kind !== kind) throw new Error(`the counting server told "${report.kind}" when it was asked for "${kind}"`);
    return report as Extract<CountingReport, { kind: Kind }>;
  };
  const ask = <Kind extends CountingOrder>(order: Kind): Promise<Extract<CountingReport, { kind: Kind }>> => {
    const answer = next(order);
    child.send(order);
    return answer;
  };
  const { port } = await next('listening');
  const server: CountingServer = {
    url: (afterMs) => `http://127.0.0.1:${port}/${afterMs}`,
    counted: async () => (await ask('counted')).bodies,
    recorded: async () => (await ask('recorded')).requests,
  };
  return {
    description: `a Node HTTP server in a process of its own, at 127.0.0.1:${port}`,
    within: (work) => work(server),
    stop: async () => {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}
