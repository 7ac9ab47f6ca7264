import { PROGRESS_COLUMNS, SUBSCRIPTION_COLUMNS, SUBSCRIPTION_LEASE_COLUMNS } from './subscription-columns.js';

export type SubscriptionStatements = ReturnType<typeof subscriptionStatements>;

/** At once, of the streams of a subscription that was removed. */
const MOST_FORGOTTEN = 10_000;

/** Every statement on subscriptions. A holder's are fenced by its epoch. */
export const subscriptionStatements = (schema: string) =>
  ({
    register: `
      insert into ${schema}.subscription (subscription, positions, position)
      values ($1::text, $2::text, $3::text::bigint)
      on conflict do nothing
      returning positions`,
    positions: `select positions from ${schema}.subscription where subscription = $1::text`,
    acquire: `
      with free as (
        select number, released
        from ${schema}.subscription
        where subscription = $1::text and (released or lease_until <= clock_timestamp())
        for no key update skip locked
      )
      update ${schema}.subscription as s
      set owner = $2::text, epoch = nextval('${schema.replaceAll("'", "''")}.subscription_epoch'), released = false, caught_up = false,
        lease_until = clock_timestamp() + $3::text::double precision * interval '1 millisecond'
      from free
      where s.number = free.number
      returning ${SUBSCRIPTION_LEASE_COLUMNS}, (not free.released)::text as taken_over, ${PROGRESS_COLUMNS}`,
    renew: `
      update ${schema}.subscription as s
      set lease_until = clock_timestamp() + $3::text::double precision * interval '1 millisecond'
      where s.subscription = $1::text and s.epoch = $2::text::bigint and not s.released
      returning ${SUBSCRIPTION_LEASE_COLUMNS}, s.paused::text as paused, s.resume::text as resume`,
    release: `
      update ${schema}.subscription
      set owner = null, released = true
      where subscription = $1::text and epoch = $2::text::bigint`,
    advance: `
      select ${schema}.advance_subscription($1::text, $2::text::bigint, $3::text::bigint, $4::text::bigint, $5::text::double precision,
        $6::text::bigint, $7::text::json)::text as number`,
    report: `
      update ${schema}.subscription as s
      set state = told.state, caught_up = told.caught_up, head = told.head, resume = case when told.resumed then null else s.resume end,
        failed_id = told.failed_id, failed_type = told.failed_type, failed_stream = told.failed_stream, failed_revision = told.failed_revision,
        failed_position = told.failed_position, attempts = told.attempts, next_try_at = to_timestamp(told.next_try_ms / 1000),
        error_code = told.error_code, last_error = told.last_error
      from json_to_record($3::text::json) as told (state text, caught_up boolean, head bigint, resumed boolean, failed_id text, failed_type text,
        failed_stream text, failed_revision bigint, failed_position bigint, attempts integer, next_try_ms double precision, error_code text, last_error text)
      where s.subscription = $1::text and s.epoch = $2::text::bigint
      returning s.subscription`,
    pause: `update ${schema}.subscription set paused = $2::text::boolean where subscription = $1::text returning subscription`,
    resume: `update ${schema}.subscription set resume = $2::text::json where subscription = $1::text returning subscription`,
    find: `select ${SUBSCRIPTION_COLUMNS} from ${schema}.subscription as s where s.subscription = $1::text`,
    findLocked: `select ${SUBSCRIPTION_COLUMNS} from ${schema}.subscription as s where s.subscription = $1::text for no key update`,
    all: `select ${SUBSCRIPTION_COLUMNS} from ${schema}.subscription as s order by s.subscription`,
    passed: `
      select kept.stream, kept.revision::text as revision
      from ${schema}.subscription as s
      join ${schema}.subscription_stream as kept on kept.subscription_number = s.number
      where s.subscription = $1::text and kept.stream = any (array(select json_array_elements_text($2::text::json)))`,
    remove: `delete from ${schema}.subscription where subscription = $1::text returning number::text as number`,
    // Of subscriptions that were removed: from number to number along the key, for there are as many rows as streams.
    removedNumbers: `
      with recursive one as (
        (select subscription_number as number from ${schema}.subscription_stream order by subscription_number limit 1)
        union all
        select (select next.subscription_number from ${schema}.subscription_stream as next
                where next.subscription_number > one.number order by next.subscription_number limit 1)
        from one where one.number is not null
      )
      select one.number::text as number
      from one
      where one.number is not null and not exists (select from ${schema}.subscription as s where s.number = one.number)`,
    forgetStreams: `
      with behind as (
        select subscription_number, stream from ${schema}.subscription_stream
        where subscription_number = $1::text::integer
        limit ${MOST_FORGOTTEN}
        for update skip locked
      ), forgotten as (
        delete from ${schema}.subscription_stream as kept using behind
        where kept.subscription_number = behind.subscription_number and kept.stream = behind.stream
        returning 1
      )
      select count(*)::text as count from forgotten`,
  }) as const;
