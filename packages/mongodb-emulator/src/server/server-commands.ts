import { hostname, totalmem, type as systemType, cpus } from 'node:os';
import { Double, Long } from 'bson';
import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { replicaSetCommands } from './replica-set-commands.js';
import type { ServerCommand, ServerCommandContext } from './server-command.js';
import { versionOf } from './server-version.js';

const STARTED_AT = Date.now();

/** The commands that are about the server and not about what it holds, by their names. */
export function serverCommands(context: ServerCommandContext): ReadonlyMap<string, ServerCommand> {
  const { failPoints, maxWireVersion, parameters } = context;
  const buildInfo = (): Document => ({ ...versionOf(maxWireVersion), ...BUILD });
  const commands = new Map<string, ServerCommand>([
    ['ping', () => ({})],
    ['buildInfo', buildInfo],
    ['buildinfo', buildInfo],
    ['configureFailPoint', (body) => failPoints.configure(body)],
    ['connectionStatus', () => ({ authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] } })],
    ['getCmdLineOpts', () => ({ argv: ['mongodb-emulator'], parsed: {} })],
    ['getParameter', (body) => readParameters(parameters, body)],
    ['hostInfo', hostInfo],
    ['logout', () => ({})],
    ['serverStatus', () => serverStatus(context)],
    ['whatsmyuri', (_, { peer }) => ({ you: peer })],
    ['saslStart', refuseLogin],
    ['authenticate', refuseLogin],
    ...replicaSetCommands(context),
  ]);
  return new Map([...commands].map(([name, command]) => [name, ON_ADMIN.test(name) ? onAdmin(name, command) : command]));
}

const ON_ADMIN = /^(configureFailPoint|getCmdLineOpts|getParameter|replSet.*)$/;

const BUILD = {
  gitVersion: 'mongodb-emulator: in memory, for tests',
  modules: [],
  allocator: 'system',
  javascriptEngine: 'none',
  sysInfo: 'deprecated',
  bits: 64,
  debug: false,
  maxBsonObjectSize: 16_777_216,
  storageEngines: ['ephemeralForTest'],
};

function onAdmin(name: string, command: ServerCommand): ServerCommand {
  return (body, connection) => {
    if (body.$db === 'admin') return command(body, connection);
    throw new ServerError(CODES.Unauthorized, `${name} may only be run against the admin database.`);
  };
}

function readParameters(parameters: Document, { getParameter: which, ...body }: Document): Document {
  if (which === '*') return { ...parameters };
  const found = Object.fromEntries(Object.keys(body).flatMap((name) => (name in parameters ? [[name, parameters[name] as unknown]] : [])));
  if (Object.keys(found).length === 0) throw new ServerError(CODES.InvalidOptions, 'no option found to get');
  return found;
}

function hostInfo(): Document {
  return {
    system: { currentTime: new Date(), hostname: hostname(), numCores: cpus().length, memSizeMB: Math.round(totalmem() / 1024 / 1024) },
    os: { type: systemType() },
    extra: {},
  };
}

function serverStatus({ address, topology, counts, connections, maxWireVersion }: ServerCommandContext): Document {
  const uptimeMs = Date.now() - STARTED_AT;
  return {
    host: address(),
    version: versionOf(maxWireVersion).version,
    process: 'mongodb-emulator',
    pid: Long.fromNumber(process.pid),
    uptime: new Double(Math.floor(uptimeMs / 1000)),
    uptimeMillis: Long.fromNumber(uptimeMs),
    localTime: new Date(),
    connections: { current: connections() },
    metrics: { commands: counts.asMetrics() },
    ...(topology.replicaSet === undefined ? {} : { repl: { setName: topology.replicaSet, isWritablePrimary: topology.isPrimary } }),
    storageEngine: { name: 'ephemeralForTest', supportsCommittedReads: true, persistent: false },
  };
}

function refuseLogin(): never {
  throw new ServerError(18, 'Authentication failed: this emulator has no users. Connect without credentials.');
}
