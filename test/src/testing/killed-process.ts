// Run by `crash-points.test.ts`: ends itself at the second time that a moment is reached.
import { writeSync } from 'node:fs';
import { CrashPoints } from '@waybill/testing';

const crash = new CrashPoints();
crash.killAt('settled', { nth: 2 });
process.on('exit', () => writeSync(1, 'exit handlers ran\n'));

writeSync(1, 'first\n');
await crash.reached('settled');
writeSync(1, 'second\n');
await crash.reached('settled');
writeSync(1, 'third\n');
