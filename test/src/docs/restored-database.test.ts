import { Dispatcher } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import { expect } from 'chai';
import { Pool } from 'pg';
import { emulated } from '../eventstoredb/emulated.js';
import { postgresDatabase } from '../servers.js';
import { NoteWritten } from '../shop/notebook.js';

const catalogue = [NoteWritten];

describe('what the docs say of restored databases and of lanes', () => {
  it('is done as they say', async () => {
    const pool = new Pool({ connectionString: await postgresDatabase() });
    const { eventstore, close } = await emulated();

    // #region witness
    const database = new PostgresDatabase({ pool, name: 'orders-production' });
    const routes = { eventstoredb: { sink: eventstore.sink } };
    const dispatcher = new Dispatcher({ database, catalogue, routes, witness: eventstore.witness });
    // #endregion
    await database.migrate();
    await dispatcher.start();
    await dispatcher.stop();

    // #region adopt
    const adopted = await database.adopt();
    for (const { route, pending, stopped } of adopted.routes)
      console.log(`${route}: ${pending} to deliver, ${stopped} streams stay stopped`);
    // #endregion
    // #region lanes
    const { from, to, moved } = await new PostgresDatabase({ pool, lanes: 32 }).changeLanes();
    console.log(`from ${from} lanes to ${to}; ${moved} messages moved`);
    // #endregion

    expect(adopted.routes).to.deep.equal([{ route: 'eventstoredb', pending: 0, stopped: 0 }]);
    expect([from, to, moved]).to.deep.equal([16, 32, 0]);
    await close();
    await pool.end();
  });
});
