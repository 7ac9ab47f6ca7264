/**
 * A program of its own: runs the commands of its plan one after the other, the last of which is a server, and ends them
 * when its standard input closes. That happens also when the parent is killed by SIGKILL, which no exit hook survives.
 * Then it removes the server's folder.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HEARTBEAT_FILE, HEARTBEAT_MS, removeServerFolder } from './server-folder.js';
import type { Plan } from './supervise.js';

const KILL_AFTER_MS = 5_000;

const { commands, account, folder, stopSignal, logsTo } = JSON.parse(process.argv[2] ?? '') as Plan;
let running: ChildProcess | undefined;
let stopping = false;

process.stdin.on('close', stop).resume();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

const heartbeat = join(folder, HEARTBEAT_FILE);
await writeFile(heartbeat, String(process.pid));
setInterval(() => void utimes(heartbeat, new Date(), new Date()).catch(stop), HEARTBEAT_MS).unref();

let exitCode = 0;
for (const [file, ...args] of commands) {
  if (stopping || exitCode !== 0) break;
  exitCode = await run(file, args);
}
await removeServerFolder(folder);
process.exit(stopping ? 0 : exitCode || 1);

async function run(file: string, args: readonly string[]): Promise<number> {
  // The server writes straight to our parent: nothing in the middle to fall behind.
  const out = logsTo === 'stdout' ? process.stderr.fd : 'inherit'; // our parent reads our stderr alone
  running = spawn(file, args, { ...account, cwd: folder, stdio: ['ignore', out, 'inherit'] });
  try {
    const [code] = (await once(running, 'exit')) as [number | null];
    return code ?? 1;
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
    return 1;
  }
}

function stop(): void {
  if (stopping) return;
  stopping = true;
  running?.kill(stopSignal);
  setTimeout(() => running?.kill('SIGKILL'), KILL_AFTER_MS);
}
