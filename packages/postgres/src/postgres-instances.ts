import type { InstanceBeat, Instances, LiveInstance } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';

interface InstanceColumns {
  readonly route: string;
  readonly id: string;
  readonly name: string;
  readonly until_ms: string;
}

const COLUMNS = 'i.route, i.id, i.name, (extract(epoch from i.alive_until) * 1000)::bigint::text as until_ms';

/** Instances are rows with an expiry, by the database's clock. */
export class PostgresInstances implements Instances {
  readonly #beat: string;
  readonly #leave: string;
  readonly #live: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    // Forgets only what nobody is writing, and only after its own row: two that forgot each other first would wait for each other.
    this.#beat = `
      with own as (
        insert into ${schema}.instance as i (route, id, name, alive_until)
        values ($1::text, $2::text, $3::text, clock_timestamp() + $4::text::double precision * interval '1 millisecond')
        on conflict (route, id) do update set name = excluded.name, alive_until = excluded.alive_until
        returning i.*
      ), gone as (
        select i.route, i.id
        from own, ${schema}.instance as i
        where i.alive_until <= clock_timestamp() and (i.route, i.id) <> (own.route, own.id)
        for update of i skip locked
      ), forgotten as (
        delete from ${schema}.instance as i using gone where i.route = gone.route and i.id = gone.id
      )
      select ${COLUMNS}
      from (
        select * from own
        union all
        select * from ${schema}.instance where route = $1::text and id <> $2::text and alive_until > clock_timestamp()
      ) as i
      order by i.id collate "C"`;
    this.#leave = `delete from ${schema}.instance where route = $1::text and id = $2::text`;
    this.#live = `select ${COLUMNS} from ${schema}.instance as i where i.alive_until > clock_timestamp() order by i.route, i.id`;
  }

  async beat({ route, id, name, aliveMs }: InstanceBeat): Promise<readonly LiveInstance[]> {
    return (await this.connection.query<InstanceColumns>(this.#beat, [route, id, name, String(aliveMs)])).map(instanceOf);
  }

  async leave(route: string, id: string): Promise<void> {
    await this.connection.query(this.#leave, [route, id]);
  }

  async live(): Promise<readonly LiveInstance[]> {
    return (await this.connection.query<InstanceColumns>(this.#live)).map(instanceOf);
  }
}

const instanceOf = ({ route, id, name, until_ms }: InstanceColumns): LiveInstance => ({
  ...{ route, id, name },
  aliveUntil: new Date(Number(until_ms)),
});
