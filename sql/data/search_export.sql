-- Documents keep their shape; the fields most questions ask for stand beside them. A document that changed while an export was
-- interrupted may stand twice: the higher seq_no is the newer one.
select
  record ->> '_index' as index_name,
  record ->> '_id' as document_id,
  (record ->> '_seq_no')::bigint as seq_no,
  record ->> 'service' as service,
  record as document
from events
