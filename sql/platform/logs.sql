-- Levels spelt one way, syslog's too; what a shipper adds (container, pod, program, …) stays in fields.
select
  time,
  host,
  case upper(coalesce(level, _extra ->> 'severity', 'info'))
    when 'ERR' then 'ERROR'
    when 'WARNING' then 'WARN'
    else upper(coalesce(level, _extra ->> 'severity', 'info'))
  end as level,
  message,
  _extra as fields,
  _sender,
  _received_at
from events
