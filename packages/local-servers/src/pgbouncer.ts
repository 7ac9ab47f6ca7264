import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { handOver, serverAccount } from './account.js';
import { onFreePort } from './free-port.js';
import { makeServerFolder, removeServerFolder } from './server-folder.js';
import { supervise, type Supervised } from './supervise.js';

export interface LocalPgBouncer {
  /** The same database as before, now through the pooler. */
  readonly url: string;
  /** One line that says what this is. Holds no password. */
  readonly description: string;
  /** The URL of another database of the same server, through the pooler. */
  through(databaseUrl: string): string;
  stop(): Promise<void>;
}

/**
 * A PgBouncer in transaction pooling mode before the server of `postgresUrl`, or `undefined` where none is installed.
 * Gone when this process is gone.
 *
 * @throws {@link LocalServerError} it is installed and does not start
 */
export async function startPgBouncer(postgresUrl: string): Promise<LocalPgBouncer | undefined> {
  const binary = findPgBouncer();
  if (!binary) return undefined;

  const { port, stop } = await onFreePort((free) => startOn(free, binary, new URL(postgresUrl)));
  const through = (databaseUrl: string): string => withHost(databaseUrl, `127.0.0.1:${port}`);
  return { url: through(postgresUrl), description: `PgBouncer in transaction mode, at 127.0.0.1:${port}`, through, stop };
}

async function startOn(port: number, binary: string, postgres: URL): Promise<Supervised & { port: number }> {
  const account = serverAccount();
  const folder = await makeServerFolder(account);
  try {
    const [configuration, users] = [join(folder, 'pgbouncer.ini'), join(folder, 'users.txt')];
    await writeFile(configuration, configurationFor(postgres, port, users), { mode: 0o600 });
    await writeFile(users, userLine(postgres), { mode: 0o600 });
    await handOver(folder, account);
    const commands = [[binary, configuration]] as const;
    const { stop } = await supervise({ name: 'PgBouncer', commands, account, folder, stopSignal: 'SIGTERM', ready: /process up/ });
    return { port, stop };
  } catch (error) {
    await removeServerFolder(folder);
    throw error;
  }
}

function findPgBouncer(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path));
}

function configurationFor({ hostname, port }: URL, listenPort: number, users: string): string {
  return `
[databases]
* = host=${hostname} port=${port || 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
`;
}

function userLine({ username, password }: URL): string {
  const quote = (text: string): string => `"${decodeURIComponent(text).replaceAll('"', '""')}"`;
  return `${quote(username)} ${quote(password)}\n`;
}

function withHost(url: string, host: string): string {
  const moved = new URL(url);
  moved.host = host;
  return moved.href;
}
