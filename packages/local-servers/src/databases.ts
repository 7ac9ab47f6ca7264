import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { LocalServerError } from './local-server-error.js';

/** The databases made on one server. */
export class Databases {
  readonly #made = new Set<string>();

  /** @param url - of a database whose user may create others */
  constructor(private readonly url: string) {}

  /** @returns the server's version, such as `18.4` */
  async version(): Promise<string> {
    const [row] = await this.query<{ server_version: string }>('show server_version');
    return row?.server_version.split(' ')[0] ?? 'of unknown version';
  }

  /** Creates an empty database. @returns its URL */
  async create(name: string = `waybill_${randomBytes(6).toString('hex')}`): Promise<string> {
    await this.query(`create database ${pg.escapeIdentifier(name)} template template0`);
    this.#made.add(name);
    return databaseUrl(this.url, name);
  }

  /** Drops every database made here, with whoever is connected to it. */
  async dropAll(): Promise<void> {
    for (const name of this.#made) await this.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
    this.#made.clear();
  }

  private async query<Row extends pg.QueryResultRow>(text: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url });
    try {
      await client.connect();
    } catch (cause) {
      const { host } = new URL(this.url);
      throw new LocalServerError('SERVER_NOT_REACHABLE', `Cannot connect to PostgreSQL at ${host}: ${String(cause)}`, [], { cause });
    }
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  }
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}
