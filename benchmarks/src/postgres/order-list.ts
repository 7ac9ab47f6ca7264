/** The application's read model. */
export const ORDER_LIST = `create table public.order_list (id text primary key, customer_id text not null, total_cents integer not null)`;
export const INSERT_ORDER = `insert into public.order_list (id, customer_id, total_cents) values ($1, $2, $3)`;
