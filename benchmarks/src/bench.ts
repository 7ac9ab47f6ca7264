import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { commit } from './commit.js';
import { drain } from './drain.js';
import type { Figure } from './figure.js';
import { idle } from './idle.js';
import { latency } from './latency.js';
import { thisMachine } from './machine.js';
import { memory } from './memory.js';
import { race } from './race.js';
import { read } from './read.js';
import { sink } from './sink.js';
import { SIZES } from './sizes.js';
import { Scratch, startDurablePostgres } from './scratch.js';
import type { Sizes } from './sizes.js';
import { tableOf, words } from './table.js';

type Section = (sizes: Sizes, scratch: Scratch) => Promise<readonly Figure[]>;

const SECTIONS: Readonly<Record<string, readonly Section[]>> = {
  commit: [commit, race],
  drain: [drain],
  sink: [sink],
  latency: [latency],
  idle: [idle],
  read: [read],
  memory: [memory],
};

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    large: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const sections = values.only ?? Object.keys(SECTIONS);
const unknown = sections.find((name) => !(name in SECTIONS));
if (unknown !== undefined) {
  console.error(`There is no section "${unknown}"; there are ${Object.keys(SECTIONS).join(', ')}.`);
  process.exit(2);
}

const machine = thisMachine();
console.log(`${machine.date}: ${machine.hardware}, load ${machine.load.toFixed(1)}`);
console.log(
  Object.entries(machine.versions)
    .map((entry) => entry.join(' '))
    .join(', '),
);
if (values.quick) console.log('Quick: shows that everything works; the figures mean nothing.');

const sizes = values.large ? SIZES.large : values.quick ? SIZES.quick : SIZES.usual;
const { server, description } = await startDurablePostgres();
console.log(description);
const figures: Figure[] = [];
try {
  for (const section of sections.flatMap((name) => SECTIONS[name]!)) {
    for (const figure of await Scratch.within(server, (scratch) => section(sizes, scratch))) {
      figures.push(values.quick ? { ...figure, target: undefined } : figure);
      console.error(`${figure.section}, ${figure.name}: ${figure.ours.toFixed(2)} ${figure.unit}; ${words(figure.verdict)}`);
    }
  }
} finally {
  await server.stop();
}
console.log(`\n${tableOf(figures)}`);
if (values.json !== undefined)
  await writeFile(values.json, `${JSON.stringify({ machine, postgres: description, figures }, undefined, 2)}\n`);

// A missed target is a figure; a wrong verdict of ours is a bug.
if (figures.some(({ verdict }) => !verdict.right)) process.exitCode = 1;
