import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Lets a process start a server, looks at the server, kills the process by SIGKILL, and answers what was seen. */
export async function killedAfterStarting<Seen>(
  server: 'postgres' | 'eventstoredb' | 'mongodb',
  look: (url: string) => Promise<Seen>,
): Promise<Seen> {
  const program = fileURLToPath(new URL('start-and-wait.js', import.meta.url));
  const child = spawn(process.execPath, [program, server], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const [url] = JSON.parse(line) as [string];
    return await look(url);
  } finally {
    child.kill('SIGKILL');
  }
}

/** Resolves once the condition holds; the test's own timeout is the limit. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(20);
}
