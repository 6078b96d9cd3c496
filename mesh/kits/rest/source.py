"""A REST source as values: address, paging, and what of it is new. `mesh.spec.rest` reads them from a file."""

import re
from typing import Literal

import msgspec

from mesh.kits.rest.point import Point, point

SINCE = "{since}"
VARIABLE = re.compile(r"\$\{(\w+)\}")


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """`at`: the parameter that says which page; `next`: where in the body the next page is named, by dots."""

    by: Literal["offset", "page", "cursor", "link"]
    at: str | None = None
    limit: str | None = None
    size: int = 1000
    first: int = 1
    next: str | None = None


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """`overlap`: seconds of a time, else a difference of the field's numbers. `ordered`: the records come by the field, ascending."""

    field: str
    start: str | int | float
    overlap: float
    ordered: bool = False

    @property
    def beginning(self) -> Point:
        """Where the first reading begins."""
        return point(self.start)


class RestSource(msgspec.Struct, frozen=True, kw_only=True):
    """One source. `records`: where in the body they are, by dots; without it the body is the list."""

    url: str
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    records: str | None = None
    paging: Paging | None = None
    since: Since | None = None
    per_minute: int | None = None

    def variables(self) -> tuple[str, ...]:
        """The environment variables that query and headers name."""
        return tuple(sorted({name for text in (*self.query.values(), *self.headers.values()) for name in VARIABLE.findall(text)}))


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """A source as its function reads it: by which it is called, the tap's function, the parameter with its place, the lake's URL."""

    name: str
    into: str
    parameter: str
    lake: str
    rest: RestSource
