import type { Ready } from './child-orders.js';

/** Runs a service in a process of its own: tells the parent when it works, and stops when that says so, or is gone. */
export async function serve(service: { start(): Promise<void>; stop(): Promise<void> }): Promise<void> {
  const told = new Promise((resolve) => process.once('message', resolve)); // "stop"
  process.once('disconnect', () => process.exit()); // the demo ended, by whatever death
  process.on('SIGINT', () => {}); // a Ctrl-C is for the demo, which then ends this process
  await service.start();
  process.send?.({ kind: 'ready' } satisfies Ready);
  await told;
  await service.stop();
}
