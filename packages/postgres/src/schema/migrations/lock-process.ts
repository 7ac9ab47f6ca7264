/**
 * Locks a process, also one that is not there yet: by a lock on its name then, and another look, for whoever had that lock may have begun it.
 * Where a transaction sees the past only, its own insert conflicts.
 */
export const lockProcessFunction = (schema: string): string => `
create function ${schema}.lock_process(process_name text, process_key text)
returns setof ${schema}.process
language plpgsql as $lock$
begin
  return query select p.* from ${schema}.process as p where p.process = process_name and p.key = process_key for no key update;
  if not found then
    perform pg_advisory_xact_lock(hashtextextended(process_name || ' ' || process_key, hashtext('waybill process of ' || ${literal(schema)})));
    return query select p.* from ${schema}.process as p where p.process = process_name and p.key = process_key for no key update;
  end if;
end
$lock$;`;

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
