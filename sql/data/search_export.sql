-- Documents keep their shape; the fields most questions ask for stand beside them.
select
  record ->> '_index' as index_name,
  record ->> '_id' as document_id,
  record ->> '$._source.service' as service,
  record -> '_source' as document
from events
