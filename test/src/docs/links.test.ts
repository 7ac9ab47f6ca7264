import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pages } from './pages.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

describe('the docs', () => {
  it('link to pages, headings and files that are there', () => {
    const broken = pages().flatMap(({ name, text }) =>
      [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target]) => target!)
        .filter((target) => !/^[a-z]+:/.test(target) && !isThere(name, target))
        .map((target) => `${name}: ${target}`),
    );

    expect(broken).to.deep.equal([]);
  });

  it('name no file in ARCHITECTURE.md that is not there', () => {
    const { text } = pages().find(({ name }) => name === 'ARCHITECTURE.md')!;

    const named = [...text.matchAll(/`([\w@./*-]+\/[\w./*-]*)`/g)].map(([, path]) => path!).filter((path) => !path.startsWith('@'));

    expect(named.length).to.be.above(30);
    expect(named.filter((path) => !existsSync(join(root, path)))).to.deep.equal([]);
  });

  it('say of each page in docs/ what kind of page it is', () => {
    const kinds = pages()
      .filter(({ name }) => name.startsWith('docs/') && !name.startsWith('docs/decisions/'))
      .map(
        ({ name, text }) => `${name} ${/^---\nkind: (tutorial|how-to|reference|explanation)\n---\n/.test(text) ? 'says so' : 'does not'}`,
      );

    expect(kinds.filter((kind) => kind.endsWith('not'))).to.deep.equal([]);
  });

  it('tell of each decision its status, its context, its options, what was decided, what follows, and what holds it', () => {
    const decisions = pages().filter(({ name }) => /^docs\/decisions\/\d{4}-/.test(name));

    expect(decisions.length).to.be.above(7);
    for (const { name, text } of decisions) {
      for (const part of ['Status', 'Context', 'Options', 'Decision', 'Consequences', 'Held by'])
        expect(text, `${name} lacks "${part}"`).to.match(new RegExp(`^(## )?${part}\\b`, 'm'));
    }
  });
});

function isThere(page: string, target: string): boolean {
  const [path = '', heading] = target.split('#');
  const file = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(root, file))) return false;
  return heading === undefined || !file.endsWith('.md') || headings(readFileSync(join(root, file), 'utf8')).includes(heading);
}

/** The anchors that GitHub gives to headings. */
function headings(text: string): readonly string[] {
  return [...withoutFences(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

const withoutFences = (text: string): string => text.replaceAll(/^```[^]*?^```$/gm, '');
