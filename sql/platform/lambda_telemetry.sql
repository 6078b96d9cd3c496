-- What questions ask for of an event stands in columns; the whole record is kept.
select
  time,
  type,
  function,
  version,
  region,
  log_group,
  log_stream,
  coalesce(record ->> '$.requestId', record ->> '$.AWSRequestId') as request_id,
  record ->> '$.status' as status,
  (record ->> '$.metrics.durationMs')::double as duration_ms,
  (record ->> '$.metrics.billedDurationMs')::double as billed_ms,
  (record ->> '$.metrics.initDurationMs')::double as init_ms,
  (record ->> '$.metrics.maxMemoryUsedMB')::integer as max_memory_mb,
  record ->> '$.level' as level,
  case when json_type(record) = 'VARCHAR' then record ->> '$' else record ->> '$.message' end as message,
  record
from events
