import { PostgresDatabase } from '@waybill/postgres';
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { pages } from './pages.js';

describe('samples in the docs', () => {
  it('are what is compiled and run', () => {
    const root = fileURLToPath(new URL('../../../', import.meta.url));

    const { stderr, status } = spawnSync(process.execPath, ['tools/docs-sync.mjs', '--check'], { cwd: root, encoding: 'utf8' });

    expect(stderr).to.equal('');
    expect(status).to.equal(0);
  });

  it('of SQL run on the tables that the adapter makes', async function () {
    this.timeout(60_000);
    const pool = new Pool({ connectionString: await postgresDatabase() });
    await new PostgresDatabase({ pool }).migrate();

    const statements = pages().flatMap(({ name, text }) =>
      [...text.matchAll(/^```sql\n([^]*?)^```$/gm)].map(([, sql]) => ({ name, sql: sql! })),
    );
    try {
      expect(statements).not.to.deep.equal([]);
      for (const { name, sql } of statements) {
        const failure: unknown = await pool.query(sql).then(() => undefined, String);
        expect(failure, `${name}:\n${sql}`).to.equal(undefined);
      }
    } finally {
      await pool.end();
    }
  });
});
