"""What every test is run with."""

import signal

# A script's background job, and so perhaps whoever runs the tests, has SIGINT ignored, and what a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
