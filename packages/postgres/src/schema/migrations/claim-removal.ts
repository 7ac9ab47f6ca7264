const BATCH = 1_000;
const MOST_LOOKED_AT = 10_000;

/**
 * The removal of claims.
 *
 * By proof: in the order in which they were made, and only those made before the last removal of messages reached: what is younger was not
 * even looked at there. On from a given place, in a circle, and so many in one call at most: claims of messages that something still holds in
 * the outbox are passed by, not looked at again and again. By age: along an index.
 */
export const claimRemoval = (schema: string): string => `
create function ${schema}.remove_claims(older_than_ms double precision, most integer, inout place timestamptz, out removed integer)
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off as $remove$
declare
  first_place constant timestamptz := place;
  horizon constant timestamptz := (select i.removed_before from ${schema}.identity as i);
  circle integer := 1;
  budget integer := ${MOST_LOOKED_AT};
  looked integer;
  last timestamptz;
  number integer;
begin
  removed := 0;
  -- One at a time; whoever comes meanwhile has nothing to do.
  if not pg_try_advisory_xact_lock(hashtextextended('waybill removal of claims from ' || ${literal(schema)}, 0)) then
    return;
  end if;

  while circle <= 2 and removed < most and budget > 0 and horizon is not null loop
    with batch as materialized (
      select i.ctid as row_place, i.claimed_at, i.outbox_id
      from ${schema}.inbox as i
      where i.outbox_id is not null and i.claimed_at > place and i.claimed_at <= case when circle = 1 then horizon else least(horizon, first_place) end
      order by i.claimed_at
      limit ${BATCH}
    ), gone as (
      delete from ${schema}.inbox as i
      where i.ctid = any (array(
        select b.row_place from batch as b
        where not exists (select from ${schema}.outbox as o where o.id = b.outbox_id)
        limit most - removed
      ))
      returning 1
    )
    select count(*), max(b.claimed_at), (select count(*) from gone) into looked, last, number from batch as b;
    removed := removed + number;
    budget := budget - looked;
    if removed = most then
      exit; -- what is left of the batch comes next
    end if;
    if looked = ${BATCH} then
      place := last;
    else
      circle := circle + 1;
      place := '-infinity';
    end if;
  end loop;

  delete from ${schema}.inbox
  where older_than_ms < 'Infinity' and ctid = any (array(
    select i.ctid
    from ${schema}.inbox as i
    where i.outbox_id is null
      and i.first_attempt_at <= clock_timestamp() - case when older_than_ms < 'Infinity' then older_than_ms else 0 end * interval '1 millisecond'
    order by i.first_attempt_at
    limit most - removed
    for update skip locked
  ));
  get diagnostics number = row_count;
  removed := removed + number;
end
$remove$;`;

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
