select id, count(*)::HUGEINT as n
from events
group by id;
