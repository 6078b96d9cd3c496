-- Every event as it came: analysts cut sessions and pages from it.
select * from events
