"""Taps to test against: real folders, real DuckDB."""

from pathlib import Path
from typing import Any

import pytest

from tap_runtime.schema import Column
from tests.tap_runtime.environment import Environment
from tests.tap_runtime.local_tap import LocalTap, MakeTap, column, settings
from tests.tap_runtime.signing import Signed, tap_with_tokens

COLUMNS = (column("user", "VARCHAR"), column("x", "INTEGER"), column("at", "TIMESTAMP"))


@pytest.fixture
def make_tap(tmp_path: Path) -> MakeTap:
    """A tap of the given columns and settings; each call has folders of its own."""
    made: list[LocalTap] = []

    def make(columns: tuple[Column, ...] = COLUMNS, **more: Any) -> LocalTap:
        made.append(LocalTap(tmp_path / f"tap{len(made)}", settings(columns, **more)))
        return made[-1]

    return make


@pytest.fixture(params=["buffered", "stored"])
def tap(request: pytest.FixtureRequest, make_tap: MakeTap) -> LocalTap:
    """A public tap with a user, a number x and a time, in both ways of acknowledging."""
    return make_tap(ack=request.param)


@pytest.fixture
def signed(make_tap: MakeTap) -> Signed:
    """A tap that Ann may write to, and what signs its tokens."""
    return tap_with_tokens(make_tap, ["ann@acme"], "stored")


@pytest.fixture(params=["buffered", "stored"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    """One of each way of acknowledging."""
    return Environment(tmp_path, ack=request.param)
