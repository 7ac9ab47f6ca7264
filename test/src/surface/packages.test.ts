import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license: string;
  readonly engines?: unknown;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const root = new URL('../../../', import.meta.url);
const read = <Content>(path: string): Content => JSON.parse(readFileSync(new URL(path, root), 'utf8')) as Content;

describe('the packages', () => {
  const packages = readdirSync(new URL('packages/', root))
    .map((name) => read<Manifest>(`packages/${name}/package.json`))
    .filter((manifest) => !manifest.private);

  for (const { name, exports } of packages) {
    it(`of which ${name} can be imported by every name it shows, and by no other`, async () => {
      for (const subpath of Object.keys(exports)) await import(name + subpath.slice(1));

      const deep: unknown = await import(`${name}/dist/index.js`).catch((error: unknown) => error);
      expect(deep).to.have.property('code', 'ERR_PACKAGE_PATH_NOT_EXPORTED');
    });
  }

  it('have one version, and ask for exactly that of each other', () => {
    const { version } = read<{ version: string }>('lerna.json');
    const asked = packages.flatMap(({ dependencies = {} }) =>
      Object.entries(dependencies).filter(([name]) => name.startsWith('@waybill/')),
    );

    expect(new Set([...packages.map((manifest) => manifest.version), ...asked.map(([, range]) => range)])).to.deep.equal(
      new Set([version]),
    );
  });

  it('ask for exact versions of what others publish', () => {
    const ranges = packages.flatMap(({ dependencies = {} }) =>
      Object.entries(dependencies).filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range)),
    );

    expect(ranges).to.deep.equal([]);
  });

  it('run on the Node that the repository names, under its licence', () => {
    const { engines, license } = read<Manifest>('package.json');

    for (const manifest of packages) expect(manifest).to.deep.include({ engines, license });
  });
});
