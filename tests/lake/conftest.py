"""An S3 of our own; who may do what is not asked there."""

from collections.abc import Iterator

import pytest

from tests.emulated import aws


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint's address."""
    with aws.running(tmp_path_factory.mktemp("ministack") / "log", auth=False) as running:
        yield running.endpoint
