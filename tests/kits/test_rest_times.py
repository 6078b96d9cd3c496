"""The REST kit's times and numbers: how long a source says to wait, and how far it was read."""

from typing import Any

import pytest

from mesh.kits.rest.api import wait_s
from mesh.kits.rest.point import point


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Wed, 25 Nov 2026 10:00:30 GMT"}, 30),
        ({"retry-after": "Wed, 25 Nov 2026 09:00:00 GMT"}, None),
        ({"retry-after": "Wed, 25 Nov 99999999999 09:00:00 GMT"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "9" * 400}, 86400),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795600799"}, None),
        ({"retry-after": "soon"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795600805"}, 5),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "12"}, None),
    ],
)
def test_how_long_a_source_says_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_s(headers, 1795600800) == seconds  # 2026-11-25 10:00:00 UTC


@pytest.mark.parametrize(
    ("value", "overlap", "asked_from"),
    [
        ("2026-11-25T10:00:00.000", 3600, "2026-11-25T09:00:00.000"),
        ("2026-11-25T10:00:00.123456Z", 0.5, "2026-11-25T09:59:59.623456Z"),
        ("2026-11-25T10:00:00+02:00", 60, "2026-11-25T09:59:00+02:00"),
        ("2026-11-25 10:00:00", 60, "2026-11-25 09:59:00"),
        ("2026-11-25", 86400, "2026-11-24"),
        ("2026-11-25", 3600, "2026-11-24"),
        (1764064800, 3600, "1764061200"),
        ("59001", 1, "59000"),
        (1.5, 0.25, "1.25"),
        (1234567890123456700, 0, "1234567890123456700"),
        ("1234567890123456701", 1, "1234567890123456700"),
        (12345678901234567890123, 0, "12345678901234567890123"),
        ("0001-01-01T00:00:00Z", 3600, "0001-01-01T00:00:00Z"),
        ("0001-01-01T00:30:00+02:00", 3600, "0001-01-01T00:00:00+02:00"),
    ],
)
def test_the_overlap_before_a_point_is_written_as_the_source_writes(value: Any, overlap: float, asked_from: str) -> None:
    assert point(value).back(overlap).text == asked_from
    assert point(value).back(overlap).number <= point(value).number - overlap or asked_from.startswith("0001")


@pytest.mark.parametrize("value", ["20261125T101010Z", "2026-W48-3", "2026-11-25T10", "9" * 5000, True, None, [1]])
def test_what_could_not_be_asked_for_as_the_source_writes_it_is_no_point(value: Any) -> None:
    """Another reading of it, like 2026-11-25010:09:10Z, might skip records."""
    with pytest.raises(ValueError, match="neither a time"):
        point(value)


def test_a_bookmark_is_never_in_the_future() -> None:
    now = point("2026-11-25T10:00:00+00:00").time
    assert now is not None
    for text, at_most in (("2099-01-01T00:00:00.000", "2026-11-25T10:00:00.000"), ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")):
        assert point(text).at_most(now).text == at_most
    assert point("2099-01-01T00:00:00+02:00").at_most(now).number == now.timestamp()
