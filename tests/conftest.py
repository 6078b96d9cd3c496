"""What every test is run with."""

import gc
import os
import signal

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# A script's background job, and so perhaps whoever runs the tests, has SIGINT ignored, and what a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says nothing on a busy machine. Where everything is required the examples are the same each time, so that what
# passed once passes again; everywhere else each run looks at new ones.
ALL = os.environ.get("TAPMESH_REQUIRE") == "all"
settings.register_profile("tapmesh", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=ALL)
settings.load_profile("tapmesh")


class Folders(LoadScopeScheduling):
    """With more than one worker a folder is one's: what its tests share is started once, and they run in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Folders:
    return Folders(config, log)


def pytest_unconfigure() -> None:
    """Lets go of Hypothesis's measuring of collections: past the last collection it holds what DuckDB's binding then lists as leaked."""
    gc.callbacks.clear()
