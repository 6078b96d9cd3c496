-- One row a version of a request; the newest updated_at of a unique_key is its state.
select
  unique_key,
  updated_at,
  created_date,
  closed_date,
  date_diff('hour', created_date, closed_date) as hours_open,
  agency,
  complaint_type,
  upper(borough) as borough,
  _received_at
from events
