"""An API as a source: what it has is what must land, by `tapmesh kit rest` that reads it every second."""

import contextlib
import json
import os
from typing import Any

from tests.kits.city import City, request, serving
from tests.kits.sources import TAPMESH, Way, started_again


class RestApi:
    """The API goes on when the kit does not."""

    name, tap, person, mark = "rest", "service_requests", "analyst", b'"unique_key":'
    ids = "select unique_key::int as id from service_requests"

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()
        self.city: City | None = None

    def start(self, way: Way) -> None:
        if self.city is None:
            self.city = self._open.enter_context(serving([]))
            declared: dict[str, Any] = {
                "url": self.city.url("offset"),
                "query": {"$where": "created_date >= '{since}'", "$order": "created_date, unique_key"},
                "paging": {"by": "offset", "at": "$offset", "limit": "$limit", "size": 20},
                "since": {"field": "created_date", "start": "2026-11-01T00:00:00.000", "overlap": "20m", "ordered": True},
            }
            (way.folder / "city.yaml").write_text(json.dumps(declared))
        token = {"TAP_TOKEN_COMMAND": f"cat {way.token_file}"}
        words = ["--from", "city.yaml", "--to", self.tap, "--url", way.url, "--every", "1s", "--state", "place"]
        self.program = started_again([TAPMESH, "kit", "rest", *words], way.folder, {**os.environ, **token}, "rest.log")

    def emit(self, first: int, count: int) -> None:
        assert self.city is not None
        self.city.rows += [request(number) for number in range(first, first + count)]

    def stop(self) -> None:
        self.program.stop()
