import { expect } from 'chai';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { takesConnections } from '../local-servers/takes-connections.js';

export interface StartedDemo {
  readonly demo: ChildProcess;
  /** Its exit code; `null` when a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly output: { text: string };
}

/** Runs the demo of an example, with servers of its own, which have to go with it. */
export function startDemo(example: string, args: readonly string[]): StartedDemo {
  const { POSTGRES_URL: _postgres, MONGODB_URL: _mongoDB, EVENTSTOREDB_URL: _eventStore, ...env } = process.env;
  const program = fileURLToPath(new URL('demo.js', import.meta.resolve(example)));
  const demo = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const output = { text: '' };
  for (const stream of [demo.stdout, demo.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output.text += text));
  return { demo, output, exited: once(demo, 'close').then(([code]) => code as number | null) };
}

export async function allGone(printed: string, servers: number): Promise<void> {
  expect(await isGone(printed, servers), `left behind:\n${printed}`).to.equal(true);
}

/** True when every process and every server that the output names is gone. */
export async function isGone(printed: string, servers: number): Promise<boolean> {
  const processes = [...printed.matchAll(/\(process (\d+)\)/g)].map(([, pid]) => Number(pid));
  const ports = [...printed.matchAll(/at (?:http:\/\/)?127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
  expect([processes.length > 0, ports.length]).to.deep.equal([true, servers]);
  return (
    processes.every((pid) => !isAlive(pid)) && (await Promise.all(ports.map((port) => takesConnections(port)))).every((answer) => !answer)
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
