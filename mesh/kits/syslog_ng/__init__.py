"""syslog-ng, sending to a tap by its http destination through the relay."""
