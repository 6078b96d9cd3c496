"""What a source is asked: its query and headers, with the variables that stand in them filled in."""

import re

from mesh.kits.delivery import KitFailed
from mesh.kits.rest.point import Point
from mesh.kits.rest.source import SINCE, VARIABLE, RestSource
from tap_runtime.settings import environment


def asked(source: RestSource, since: Point | None) -> dict[str, str]:
    """The query from that point on; raises KitFailed where a variable in it is not set."""
    query = {name: _filled(value.replace(SINCE, since.text if since else ""), f"query.{name}") for name, value in source.query.items()}
    return query | ({source.paging.limit: str(source.paging.size)} if source.paging and source.paging.limit else {})


def sent_headers(source: RestSource) -> dict[str, str]:
    """The headers; raises KitFailed where a variable in them is not set."""
    return {name: _filled(value, f"headers.{name}") for name, value in source.headers.items()}


def _filled(text: str, place: str) -> str:
    def value(variable: re.Match[str]) -> str:
        if (found := environment(variable[1])) is None:
            raise KitFailed(f"{place} names ${{{variable[1]}}}, which is not set", f"export {variable[1]}=…")
        return found

    return VARIABLE.sub(value, text)
