-- clicks of the day
select
  url
from event
