import { EventEmitter, setMaxListeners } from 'node:events';
import { expect } from 'chai';
import type { BrokenPromise } from './broken-promise.js';
import { PLANTED_BUGS, variantWith } from './planted-bugs.js';
import type { PlantedBug } from './planted-bugs.js';
import { shrink, storyText } from './shrink.js';
import { play, replay } from './story.js';
import type { Story } from './story.js';
import type { Variant } from './variant.js';

const WITHIN_SEEDS = 150;
const MOST_CHOICES = 60;
const TIMEOUT_MS = 60_000;
/** What each bug must be found by; before that it may break another promise. */
const BREAKS: Readonly<Record<PlantedBug, readonly BrokenPromise['promise'][]>> = {
  'settle without the epoch': ['G7 no write without the lease'],
  'mergeMap for concatMap': ['G2 first acceptances in order, without holes'],
  'read without the window': ['G1 committed is delivered', 'G2 first acceptances in order, without holes', 'receipts say the truth'],
  'no word of what may have been sent': ['nothing is sent twice unless a person says so'],
  'a doubt that late commits make forgotten': ['nothing is sent twice unless a person says so'],
};

describe('the simulation, of a dispatcher with a bug,', () => {
  // Work side by side listens to its signals more often than Node thinks is right.
  before(() => setMaxListeners(0));
  after(() => setMaxListeners(EventEmitter.defaultMaxListeners));

  async function firstThatBreaks(promises: readonly BrokenPromise['promise'][], variant: Variant): Promise<Story> {
    for (let seed = 1; seed <= WITHIN_SEEDS; seed++) {
      const story = await play(seed, variant);
      if (story.broken && promises.includes(story.broken.promise)) return story;
    }
    return expect.fail(`${WITHIN_SEEDS} seeds did not find it.`);
  }

  for (const bug of PLANTED_BUGS) {
    it(`finds: ${bug}`, async function () {
      this.timeout(TIMEOUT_MS);
      const { end, ...variant } = await variantWith(bug);
      try {
        const story = await firstThatBreaks(BREAKS[bug], variant);
        const short = await shrink(story, variant);

        expect(short.broken?.promise).to.equal(story.broken?.promise);
        expect(short.choices.length).to.be.below(MOST_CHOICES).and.below(story.choices.length);
        expect(storyText(short)).to.include(`npm run simulate -- --seed ${story.setup.seed}`);
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
