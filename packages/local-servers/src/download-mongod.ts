/**
 * A program of its own: downloads `mongod` into the folder of its argument, and prints one line of JSON at last. What it prints
 * before says only that bytes arrive. Ends when its standard input closes, as it does when the parent dies.
 */
import { MongoBinary } from 'mongodb-memory-server-core';
import type { Downloaded } from './downloaded-mongod.js';

process.stdin.on('close', () => process.exit(1)).resume();

const outcome = await MongoBinary.getPath({ downloadDir: process.argv[2] ?? '' }).then(
  (path): Downloaded => ({ path }),
  (error: unknown): Downloaded => ({ failure: reasonOf(error) }),
);
process.stdout.write(`\n${JSON.stringify(outcome)}\n`, () => process.exit());

/** The library's messages have many lines; what went wrong stands behind "Details:", or at the top. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (/Details:\s*(.+)/.exec(message)?.[1] ?? message.split('\n')[0] ?? '').trim();
}
