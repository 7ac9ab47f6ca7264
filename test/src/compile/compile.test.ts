import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { complaintsAbout, expectedIn, fixtures } from './programs.js';
import type { Complaint } from './programs.js';

const filesOf = (folder: string): readonly string[] =>
  readdirSync(join(fixtures, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(fixtures, folder, name));

const usage = filesOf('usage');
const mistakes = filesOf('wrong').flatMap(expectedIn);

for (const mode of ['standard', 'legacy'] as const) {
  describe(`the compiler, with ${mode} decorators,`, () => {
    let complaints: readonly Complaint[] = [];

    before(function () {
      this.timeout(60_000);
      const right = usage.filter((file) => mode === 'legacy' || !file.endsWith('.legacy.ts'));
      complaints = complaintsAbout([...right, ...filesOf('wrong')], mode);
    });

    /** What is said about the code below a comment, up to the next one. */
    const below = (mistake: Complaint): readonly Complaint[] => {
      const nextLine = mistakes.find(({ file, line }) => file === mistake.file && line > mistake.line)?.line ?? Infinity;
      return complaints.filter(
        ({ file, line }) => file === mistake.file && line > mistake.line && line < Math.min(nextLine, mistake.line + 7),
      );
    };

    it('accepts the code that a user writes', () => {
      expect(complaints.filter(({ file }) => usage.includes(file))).to.deep.equal([]);
    });

    for (const mistake of mistakes) {
      it(`says "${mistake.text}" (${mistake.file.slice(fixtures.length)}, line ${mistake.line})`, () => {
        const said = below(mistake).map(({ text }) => text);

        expect(said.join('\n')).to.include(mistake.text);
      });
    }

    it('says nothing else', () => {
      const expected = new Set(mistakes.flatMap(below));

      expect(complaints.filter((complaint) => !expected.has(complaint))).to.deep.equal([]);
    });
  });
}
