export { LocalServerError, type LocalServerErrorCode } from './local-server-error.js';
export { startPostgres, type LocalPostgres, type StartPostgresOptions } from './postgres.js';
export { INSTALLED_POSTGRES, npmBinaries, postgresCacheFolder, postgresPackage, type PostgresVersion } from './postgres-binaries.js';
export { startPgBouncer, type LocalPgBouncer } from './pgbouncer.js';
export { startEventStoreDB, type LocalEventStoreDB, type StartEventStoreDBOptions } from './eventstoredb.js';
export { prepareMongoDB, startMongoDB, type LocalMongoDB, type StartMongoDBOptions } from './mongodb.js';
