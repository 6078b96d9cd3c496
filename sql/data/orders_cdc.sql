-- The change log of orders; the table as of now is the newest row of each order_id that is not a delete.
select
  lsn,
  action,
  committed_at,
  coalesce("row" ->> 'order_id', "key" ->> 'order_id')::bigint as order_id,
  ("row" ->> 'amount')::decimal(12, 2) as amount,
  "row" ->> 'status' as status,
  "row" as document
from events
where table_name = 'orders'
