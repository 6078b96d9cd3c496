select
  id as id0,
  id as id1,
  id as id2,
  id as id3,
  id as id4,
  id as id5,
  id as id6,
  urll
from events;
