import { parseArgs } from 'node:util';
import { variantWith } from './planted-bugs.js';
import { playSeeds } from './play-seeds.js';
import { shrink, storyText } from './shrink.js';
import { MOST_STEPS, play } from './story.js';
import { tallyText } from './tally.js';

// `npm run simulate -- --seeds 10000`, or `--seed N` to see one story again. Ends with 1 when a promise broke.
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    steps: { type: 'string', default: String(MOST_STEPS) },
    log: { type: 'boolean', default: false },
  },
});

if (values.seed === undefined) {
  const { tally, failures } = await playSeeds({ first: Number(values.from), seeds: Number(values.seeds), steps: Number(values.steps) });
  console.log(tallyText(tally));
  report(failures);
} else {
  const variant = await variantWith(undefined);
  const story = await play(Number(values.seed), variant, Number(values.steps));
  console.log(tallyText(story.tally));
  if (values.log) console.log(story.log.join('\n'));
  report(story.broken ? [storyText(await shrink(story, variant))] : []);
}

function report(failures: readonly string[]): void {
  for (const failure of failures) console.error(`\n${failure}`);
  console.log(failures.length === 0 ? 'Every promise held.' : 'A promise broke.');
  process.exitCode = failures.length === 0 ? 0 : 1;
}
