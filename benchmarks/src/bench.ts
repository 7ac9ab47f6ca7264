import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { thisMachine } from './machine.js';
import { SIZES } from './sizes.js';
import type { Measured } from './suite.js';
import { DATABASES, WITHOUT_DATABASE } from './suites.js';
import { tableOf, words } from './table.js';

const { values } = parseArgs({
  options: {
    database: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    large: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const everySection = [...new Set([...Object.values(DATABASES), ...WITHOUT_DATABASE].flatMap(({ sections }) => sections))];
const databases = asked('database', values.database, Object.keys(DATABASES)) as readonly (keyof typeof DATABASES)[];
const sections = asked('section', values.only, everySection);
// What takes neither is left out where one of them is asked for, but for its own name.
const suites = [...databases.map((name) => DATABASES[name]), ...(values.database && !values.only ? [] : WITHOUT_DATABASE)];

const machine = thisMachine();
console.log(`${machine.date}: ${machine.hardware}, load ${machine.load.toFixed(1)}`);
console.log(
  Object.entries(machine.versions)
    .map((entry) => entry.join(' '))
    .join(', '),
);
if (values.quick) console.log('Quick: shows that everything works; the figures mean nothing.');

const sizes = values.large ? SIZES.large : values.quick ? SIZES.quick : SIZES.usual;
const servers: string[] = [];
const onServer = (description: string): void => {
  servers.push(description);
  console.log(description);
};
const figures: Measured[] = [];
for (const suite of suites) {
  const itsSections = sections.filter((name) => suite.sections.includes(name));
  if (itsSections.length === 0) continue;
  for await (const figure of suite.run(itsSections, sizes, onServer)) {
    figures.push(values.quick ? { ...figure, target: undefined } : figure);
    console.error(`${figure.section}, ${figure.name}: ${figure.ours.toFixed(2)} ${figure.unit}; ${words(figure.verdict)}`);
  }
}
console.log(`\n${tableOf(figures)}`);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ machine, servers, figures }, undefined, 2)}\n`);

// A missed target is a figure; a wrong verdict of ours is a bug.
if (figures.some(({ verdict }) => !verdict.right)) process.exitCode = 1;

/** What was asked for, by default everything; ends the run where there is no such thing. */
function asked(what: string, names: readonly string[] | undefined, known: readonly string[]): readonly string[] {
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    console.error(`There is no ${what} "${unknown}"; there are ${known.join(', ')}.`);
    process.exit(2);
  }
  return names ?? known;
}
