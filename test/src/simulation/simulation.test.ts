import { expect } from 'chai';
import { playSeeds } from './play-seeds.js';
import { tallyText } from './tally.js';

const SEEDS = 1_000;
const AT_LEAST_MS = 60_000;
const AT_MOST_MS = 240_000; // on a machine that has other things to do

describe('the simulation', () => {
  it(`holds every promise in ${SEEDS} worlds where processes crash, freeze, and lose their database`, async function () {
    this.timeout(AT_MOST_MS);

    const { tally, failures } = await playSeeds({ seeds: SEEDS, atLeastMs: AT_LEAST_MS });

    console.log(`      ${tallyText(tally)}`);
    expect(failures.join('\n\n')).to.equal('');
    expect(tally.seeds).to.be.at.least(SEEDS);
    for (const reached of ['takeOvers', 'zombies', 'staleWrites', 'crashes', 'parkedStreams', 'lostAnswers', 'duplicates'] as const)
      expect(tally[reached], reached).to.be.above(SEEDS / 50);
  });
});
