-- One SELECT over the view events: the schema's columns, _extra, _received_at, _sender, _batch and _request.
select * replace (lower(eventType) as eventType)
from events
