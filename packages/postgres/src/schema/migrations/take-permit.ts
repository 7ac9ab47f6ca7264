/**
 * A function, for a statement by itself counts the permits as they were before it waited for the limit's row. Each asker writes that row: at an
 * isolation level at which the function sees only what was there before, the second of two fails, and asks again.
 */
export const takePermitFunction = (schema: string): string => `
create or replace function ${schema}.take_permit(
  asked text, asked_permit uuid, permit_ms double precision, concurrency integer, rate_limit double precision, per_ms double precision, burst double precision,
  out refused_by text, out wait_ms double precision
)
language plpgsql as $take_permit$
declare
  now_at timestamptz;
  filled double precision;
  held boolean;
  in_use bigint;
  first_ends_at timestamptz;
begin
  insert into ${schema}.shared_limit as l (name, tokens, filled_at)
  values (asked, coalesce(burst, 0), case when burst is null then '-infinity' else clock_timestamp() end)
  on conflict (name) do update set tokens = l.tokens;

  now_at := clock_timestamp();
  delete from ${schema}.shared_permit as p where p.name = asked and p.expires_at <= now_at;
  select count(*), min(p.expires_at), coalesce(bool_or(p.permit = asked_permit), false)
  into in_use, first_ends_at, held
  from ${schema}.shared_permit as p
  where p.name = asked;

  if not held then
    if in_use >= concurrency then
      refused_by := 'concurrency';
      wait_ms := extract(epoch from first_ends_at - now_at) * 1000;
      return;
    end if;
    if burst is not null then
      -- Before the first who asked for a token the bucket is full. A clock that has gone back fills nothing, and the time counts from there.
      select case when l.filled_at = '-infinity' then burst
        else least(burst, l.tokens + greatest(0, extract(epoch from now_at - l.filled_at)) * 1000 * rate_limit / per_ms) end
      into filled
      from ${schema}.shared_limit as l
      where l.name = asked;
      update ${schema}.shared_limit as l
      set tokens = case when filled >= 1 then filled - 1 else filled end, filled_at = now_at
      where l.name = asked;
      if filled < 1 then
        refused_by := 'rate';
        wait_ms := (1 - filled) * per_ms / rate_limit;
        return;
      end if;
    end if;
  end if;

  if concurrency is not null then
    insert into ${schema}.shared_permit as p (name, permit, expires_at)
    values (asked, asked_permit, now_at + permit_ms * interval '1 millisecond')
    on conflict (name, permit) do update set expires_at = excluded.expires_at;
  end if;
end
$take_permit$;
`;
