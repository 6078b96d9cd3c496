-- Levels spelt one way; what a shipper adds (container, pod, …) stays in _extra.
select
  time,
  host,
  upper(coalesce(level, _extra ->> 'severity', 'info')) as level,
  message,
  _extra as fields,
  _sender,
  _received_at
from events
