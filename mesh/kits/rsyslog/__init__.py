"""rsyslog, sending through its omprog."""
