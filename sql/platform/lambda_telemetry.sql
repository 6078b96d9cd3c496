-- Durations and memory of every invocation stand in columns; the whole record is kept.
select
  time,
  type,
  function,
  region,
  log_stream,
  record ->> 'requestId' as request_id,
  (record ->> '$.metrics.durationMs')::double as duration_ms,
  (record ->> '$.metrics.maxMemoryUsedMB')::integer as max_memory_mb,
  record ->> 'status' as status,
  record
from events
