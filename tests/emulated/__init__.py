"""Lambda and AWS on this machine, for tests and benches: real runtime interface emulator, real limits, an S3 that enforces policies."""
