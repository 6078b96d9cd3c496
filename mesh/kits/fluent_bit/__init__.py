"""Fluent Bit, sending to a tap by its own http output."""
