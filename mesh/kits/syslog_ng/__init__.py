"""syslog-ng, sending to a tap by its own http destination."""
