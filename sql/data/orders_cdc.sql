-- The change log of orders, in the order of position and n; docs/kits/postgres.md makes the table as of now of it.
select
  lsn,
  ('0x' || split_part(lsn, '/', 1))::bigint * 4294967296 + ('0x' || split_part(lsn, '/', 2))::bigint as position,
  n,
  action,
  committed_at,
  coalesce("row" ->> 'order_id', "key" ->> 'order_id')::bigint as order_id,
  ("key" ->> 'order_id')::bigint as old_order_id,
  ("row" ->> 'amount')::decimal(12, 2) as amount,
  "row" ->> 'status' as status,
  "row" as document
from events
where table_name = 'orders'
