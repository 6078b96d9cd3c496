-- clicks of the day
select
  url, current_setting(url)
from events
