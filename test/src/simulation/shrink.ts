import type { Choice } from './choice.js';
import { replay } from './story.js';
import type { Story } from './story.js';
import type { Variant } from './variant.js';

/** Leaves out of a failing story whatever it does without: large parts first, then choice by choice, as long as the same promise breaks. */
export async function shrink(story: Story, variant: Variant, mostTries = 600): Promise<Story> {
  const promise = story.broken?.promise;
  let shortest = await replay(story.setup, story.choices, variant);
  if (promise === undefined || shortest.broken?.promise !== promise) return story;

  let tries = 0;
  for (let size = Math.ceil(shortest.choices.length / 2); size >= 1 && tries < mostTries;) {
    let found = false;
    for (let at = 0; at < shortest.choices.length && tries < mostTries; tries++) {
      const without: readonly Choice[] = [...shortest.choices.slice(0, at), ...shortest.choices.slice(at + size)];
      const shorter = await replay(story.setup, without, variant);
      if (shorter.broken?.promise === promise) {
        shortest = shorter;
        found = true;
      } else at += size;
    }
    if (size === 1 && !found) break;
    if (!found || size > 1) size = Math.max(1, Math.floor(size / 2));
  }
  return shortest;
}

/** For people: what was promised, what happened, and how to see it again. */
export function storyText({ setup, choices, broken, log }: Story): string {
  const { seed, troubles: _troubles, streams: _streams, ...rest } = setup;
  return [
    `Seed ${seed} breaks a promise. ${broken?.message ?? ''}`,
    `In a world of ${JSON.stringify(rest)}`,
    `${choices.length} steps are enough:`,
    ...shown(log),
    `Play it again: npm run simulate -- --seed ${seed}`,
  ].join('\n');
}

const AT_BOTH_ENDS = 80;

/** What matters of a long log: its beginning and its end, without the beats of hearts. */
function shown(log: readonly string[]): readonly string[] {
  const lines = log.filter((line) => !/time goes on|hears of a hint| renew |ms pass$/.test(line));
  if (lines.length <= 2 * AT_BOTH_ENDS) return lines;
  return [...lines.slice(0, AT_BOTH_ENDS), `  ... ${lines.length - 2 * AT_BOTH_ENDS} lines ...`, ...lines.slice(-AT_BOTH_ENDS)];
}
