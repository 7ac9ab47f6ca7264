import { expect } from 'chai';
import type { BrokenPromise } from './broken-promise.js';
import { PLANTED_BUGS, variantWith } from './planted-bugs.js';
import type { PlantedBug } from './planted-bugs.js';
import { shrink, storyText } from './shrink.js';
import { play, replay } from './story.js';
import type { Story } from './story.js';

const WITHIN_SEEDS = 100;
const TIMEOUT_MS = 60_000;
/** What each bug breaks; a bug may break another promise first. */
const BREAKS: Readonly<Record<PlantedBug, readonly BrokenPromise['promise'][]>> = {
  'settle without the epoch': ['G7 no write without the lease'],
  'mergeMap for concatMap': ['G2 first acceptances in order, without holes', 'receipts say the truth'],
  'read without the window': ['G1 committed is delivered', 'G2 first acceptances in order, without holes', 'receipts say the truth'],
};

describe('the simulation, of a dispatcher with a bug,', () => {
  for (const bug of PLANTED_BUGS) {
    it(`finds: ${bug}`, async function () {
      this.timeout(TIMEOUT_MS);
      const { end, ...variant } = await variantWith(bug);
      try {
        let story: Story | undefined;
        for (let seed = 1; seed <= WITHIN_SEEDS && !story?.broken; seed++) story = await play(seed, variant);

        expect(story?.broken?.promise).to.be.oneOf([...BREAKS[bug]]);

        const short = await shrink(story!, variant);

        expect(short.broken?.promise).to.equal(story!.broken!.promise);
        expect(short.choices.length).to.be.below(60).and.below(story!.choices.length);
        expect(storyText(short)).to.include(`--seed ${story!.setup.seed}`);
      } finally {
        await end();
      }
    });
  }
});

describe('a seed of the simulation', () => {
  it('plays the same story every time, and its choices play it again', async () => {
    const variant = await variantWith(undefined);
    const stories = await Promise.all([play(4, variant), play(4, variant)]);
    const again = await replay(stories[0].setup, stories[0].choices, variant);
    const other = await play(5, variant);

    expect(stories[0].log.length).to.be.above(300);
    expect(stories[1].fingerprint).to.equal(stories[0].fingerprint);
    expect(again.fingerprint).to.equal(stories[0].fingerprint);
    expect(other.fingerprint).not.to.equal(stories[0].fingerprint);
  });
});
