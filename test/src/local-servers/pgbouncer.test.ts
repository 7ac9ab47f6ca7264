import { expect } from 'chai';
import pg from 'pg';
import { postgresDatabase, throughPgBouncer } from '../servers.js';

describe('a local PgBouncer', () => {
  it('gives each transaction whichever connection is free', async function () {
    const url = await throughPgBouncer(await postgresDatabase());
    if (!url) return this.skip();
    const clients = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })];
    for (const client of clients) await client.connect();

    const backends: unknown[] = [];
    for (const client of clients) backends.push(...(await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows);

    for (const client of clients) await client.end();
    expect(backends[0], 'one server connection behind both clients').to.deep.equal(backends[1]);
  });
});
