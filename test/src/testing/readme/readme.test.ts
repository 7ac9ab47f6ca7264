import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../../../', import.meta.url);

describe('the README of @waybill/testing', () => {
  it('shows samples that are compiled, and run where they can be', () => {
    const readme = readFileSync(new URL('packages/testing/README.md', root), 'utf8');
    const samples = new URL('test/src/testing/readme/', root);
    const sources = readdirSync(samples).map((name) => readFileSync(new URL(name, samples), 'utf8'));

    const fences = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);

    expect(fences).to.have.length(6);
    for (const code of fences) expect(sources).to.include(code);
  });
});
