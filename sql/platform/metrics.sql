-- collectd sends parallel lists; readers want one row a value.
with each_value as (
  select *, unnest(range(1, len("values") + 1)) as position from events
)
select
  time,
  host,
  plugin,
  nullif(plugin_instance, '') as plugin_instance,
  type,
  nullif(type_instance, '') as type_instance,
  dsnames[position] as name,
  dstypes[position] as kind,
  "values"[position] as value
from each_value
where "values"[position] is not null
