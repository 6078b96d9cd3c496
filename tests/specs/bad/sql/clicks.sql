

-- clicks by page
select id,
  urll as page
from events
