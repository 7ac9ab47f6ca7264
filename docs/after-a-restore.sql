begin;
-- Transaction ids of another cluster mean nothing here: all rows are from before the restore.
update waybill.outbox set transaction_id = '3';
-- Every lane begins behind them.
update waybill.lane
set window_from = pg_current_snapshot(), ceiling = pg_current_xact_id(), floor = (select last_value from waybill.outbox_position),
  window_to = null, to_floor = null, to_ceiling = null, position = null,
  owner = null, released = true;
-- This is the outbox's home from now on.
update waybill.identity
set system_identifier = (select system_identifier::text from pg_control_system()),
  database_oid = (select oid from pg_database where datname = current_database());
commit;
