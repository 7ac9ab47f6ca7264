/** Most lines of a lane's history that are looked through for one message, from either end. */
const MOST_LINES = 10_000;

/**
 * SQL: the lanes in which route `r` has, or had before the number of lanes was changed, the message `o`: the history tells lanes as they were then.
 */
export const lanesOfMessage = (schema: string): string => `(
    select case when r.message_order = 'global' then 0 else o.lane end as lane
    union
    select (o.stream_hash % count)::integer from ${schema}.identity, unnest(former_lanes) as count where r.message_order = 'stream'
  )`;

/**
 * SQL: the lines of route `r` in lane `was` that have delivered the message `o`, of the first so many since a time. A batch is not indexed by
 * its messages, which would cost each of them an entry.
 */
export const firstLines = (schema: string, since: string): string => linesOf(schema, `h.at >= ${since}`, 'h.at');

/** SQL: the same, of the newest so many: a stream that has stopped for long is delivered when its lane is far beyond. */
export const newestLines = (schema: string): string => linesOf(schema, `h.at >= ${WRITTEN}`, 'h.at desc');

/** SQL: no line of message `o` is older. Clocks are set back sometimes. */
export const WRITTEN = `o.recorded_at - interval '1 minute'`;

const linesOf = (schema: string, condition: string, order: string): string => `(
    select line.*
    from (
      select h.*
      from ${schema}.delivery_history as h
      where h.route_number = r.number and h.lane = was.lane and ${condition} and h.outcome = 'delivered'
      order by ${order}
      limit ${MOST_LINES}
    ) as line
    where o.id = any (line.message_ids)
  )`;
