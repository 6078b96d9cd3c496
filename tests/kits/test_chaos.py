"""The chaos harness in short, for the kits whose own tests do not send through a tap that misbehaves; `bench/chaos.py` has them all."""

from pathlib import Path

import pytest

from tests.kits.chaos import Row, chaos
from tests.kits.postgres_source import PostgresKit
from tests.kits.sources import Source
from tests.kits.web_source import WebPage


@pytest.mark.parametrize("kind", [WebPage, PostgresKit], ids=lambda kind: kind.name)
def test_nothing_is_lost_or_doubled(tmp_path: Path, kind: type[Source]) -> None:
    row = chaos(kind(), tmp_path, ("lost", "killed", "restarted"), a_round=10)
    assert row == Row(kind.name, sent=30, acknowledged=30, landed=30, quarantined=0, duplicated=0, lost=0)
