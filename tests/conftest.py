"""What every test is run with."""

import gc
import signal

from hypothesis import HealthCheck, settings

# A script's background job, and so perhaps whoever runs the tests, has SIGINT ignored, and what a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says nothing on a busy machine.
settings.register_profile("tapmesh", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tapmesh")


def pytest_unconfigure() -> None:
    """Lets go of Hypothesis's measuring of collections: past the last collection it holds what DuckDB's binding then lists as leaked."""
    gc.callbacks.clear()
