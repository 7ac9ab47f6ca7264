/** A program that starts the servers named in its arguments, prints their URLs as JSON, and waits to be killed. */
import { startEventStoreDB, startMongoDB, startPostgres } from '@waybill/local-servers';

const start = { postgres: startPostgres, eventstoredb: startEventStoreDB, mongodb: startMongoDB };
const wanted = process.argv.slice(2) as (keyof typeof start)[];
const servers = await Promise.all(wanted.map((name) => start[name]()));
console.log(JSON.stringify(servers.map(({ url }) => url)));
setInterval(() => undefined, 60_000);
