"""What several test files of kits share because it takes long to start."""

from collections.abc import Iterator

import pytest

from tests.kits import opensearch


@pytest.fixture(scope="session")
def node() -> Iterator[opensearch.OpenSearch]:
    """A real OpenSearch node; each test makes indices of its own."""
    with opensearch.running() as started:
        yield started
