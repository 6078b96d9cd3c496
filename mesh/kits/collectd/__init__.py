"""collectd, sending through the relay."""
