import { expect } from 'chai';
import { it } from 'mocha';
import { until } from '../local-servers/killed-after-starting.js';
import { allGone, isGone, startDemo } from './started-demo.js';

export interface DemoEndings {
  readonly example: string;
  /** Which it starts itself. */
  readonly servers: number;
  /** Arguments that give a test the time to end it. */
  readonly long: readonly string[];
  readonly short: readonly string[];
  /** Whether it has printed that it is where it is to be interrupted. */
  readonly interruptAt: (printed: string) => boolean;
  readonly killAt: (printed: string) => boolean;
}

/** Registers what holds for every demo that does not come to its end. */
export function endsCleanly({ example, servers, long, short, interruptAt, killAt }: DemoEndings): void {
  it('leaves nothing behind when it is interrupted', async () => {
    const { demo, exited, output } = startDemo(example, long);
    await until(() => interruptAt(output.text));

    demo.kill('SIGINT');

    expect(await exited).to.equal(130);
    await allGone(output.text, servers);
  });

  it('leaves nothing behind when it is killed', async () => {
    const { demo, exited, output } = startDemo(example, long);
    await until(() => killAt(output.text));

    demo.kill('SIGKILL');
    await exited;

    await until(() => isGone(output.text, servers));
  });

  it('says what to do when a server does not answer', async () => {
    for (const [option, url, what] of [
      ['--postgres', 'postgres://nobody@127.0.0.1:1/none', 'Cannot connect to PostgreSQL at 127.0.0.1:1'],
      ['--mongodb', 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100', 'Cannot use the MongoDB at 127.0.0.1:1'],
    ] as const) {
      const { exited, output } = startDemo(example, [...short, option, url]);

      expect(await exited).to.equal(1);
      expect(output.text).to.contain(what);
      expect(output.text).not.to.contain('    at '); // no stack trace
    }
  });
}
