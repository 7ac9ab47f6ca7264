/**
 * Fills the samples of every Markdown file from what is compiled and run:
 *
 *     ```ts file=examples/quickstart/src/order.ts#events
 *
 * is the region between `// #region events` and `// #endregion` of that file; without `#name`, the whole file. Any language
 * can have a `file=`; TypeScript must.
 *
 *     ```diff file=examples/flights/src/composition/postgres.ts to=examples/flights/src/composition/mongodb.ts
 *
 * is what differs between two of them, line by line. With `--check` nothing is written, and what differs is told.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { structuredPatch } from 'diff';

/** Samples of these files are still written by hand. The list gets shorter, never longer. */
const WRITTEN_BY_HAND = ['eventstoredb', 'eventstoredb-emulator', 'inversify', 'testing'].map((name) => `packages/${name}/README.md`);
const FOLDERS = ['docs', 'packages', 'examples', 'benchmarks', 'test'];
const FENCE = /^```([^\n]*)\n([^]*?)^```$/gm;

const checking = process.argv.includes('--check');
let differences = 0;

for (const page of pages()) {
  const text = readFileSync(page, 'utf8');
  const filled = text.replace(FENCE, (fence, info, body, offset) => {
    const [language = '', ...words] = info.split(' ');
    const valueOf = (name) => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
    const [source, other] = [valueOf('file'), valueOf('to')];
    const line = text.slice(0, offset).split('\n').length;
    if (source === undefined) {
      if (/^(ts|typescript|js|javascript)$/.test(language) && !WRITTEN_BY_HAND.includes(page))
        tell(`${page}:${line}: a sample written by hand; name its source: \`\`\`${language} file=path#region`);
      return fence;
    }
    const sample = other === undefined ? sampleOf(source) : differenceOf(source, other);
    if (sample === undefined) tell(`${page}:${line}: there is no ${source}`);
    else if (sample !== body && checking) tell(`${page}:${line}: not what ${source} holds; run npm run docs:sync`);
    return sample === undefined ? fence : `\`\`\`${info}\n${sample}\`\`\``;
  });
  if (!checking && filled !== text) writeFileSync(page, filled);
}
process.exitCode = differences === 0 ? 0 : 1;

function pages() {
  const inFolders = FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((file) => file.endsWith('.md') && !file.split('/').some((part) => part === 'node_modules' || part === 'dist'))
      .map((file) => join(folder, file)),
  );
  return [...readdirSync('.').filter((file) => file.endsWith('.md')), ...inFolders].sort();
}

/** The text of a file or of a region of it, with its common indentation taken off. */
function sampleOf(source) {
  const [file, region] = source.split('#');
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  if (region === undefined) return `${lines.join('\n')}\n`;
  const begin = lines.findIndex((line) => line.trim() === `// #region ${region}`);
  const length = lines.slice(begin + 1).findIndex((line) => line.trim() === '// #endregion');
  if (begin === -1 || length < 1) return undefined;
  const sample = lines.slice(begin + 1, begin + 1 + length);
  const indent = Math.min(...sample.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return `${sample.map((line) => line.slice(indent)).join('\n')}\n`;
}

/** Lines that stay, go (-) and come (+), with two that stay around each change. */
function differenceOf(source, other) {
  const [before, after] = [sampleOf(source), sampleOf(other)];
  if (before === undefined || after === undefined) return undefined;
  const { hunks } = structuredPatch(source, other, before, after, '', '', { context: 2 });
  return `${hunks.map(({ lines }) => lines.join('\n')).join('\n ...\n')}\n`;
}

function tell(difference) {
  console.error(difference);
  differences += 1;
}
