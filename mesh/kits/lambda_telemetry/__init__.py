"""An extension that sends any function's telemetry to a tap: its Go source, and the layers built from it."""
