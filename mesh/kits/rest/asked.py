"""What a source is asked: its query and headers, with the variables that stand in them filled in."""

import re
from urllib.parse import quote, quote_plus

from mesh.kits.delivery import KitFailed
from mesh.kits.rest.point import Point
from mesh.kits.rest.source import SINCE, VARIABLE, RestSource
from tap_runtime.settings import environment

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_KEY_LENGTH = 4


def asked(source: RestSource, since: Point | None) -> dict[str, str]:
    """The query from that point on; raises KitFailed where a variable in it is not set."""
    query = {name: _filled(value.replace(SINCE, since.text if since else ""), f"query.{name}") for name, value in source.query.items()}
    return query | ({source.paging.limit: str(source.paging.size)} if source.paging and source.paging.limit else {})


def sent_headers(source: RestSource) -> dict[str, str]:
    """The headers; raises KitFailed where a variable in them is not set, or HTTP has no such header."""
    headers = {name: _filled(value, f"headers.{name}") for name, value in source.headers.items()}
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or not (value.isascii() and value.isprintable()):
            raise KitFailed(f"headers.{name} holds what no header may", "letters, digits and signs of ASCII, in one line; ${NAME} too")
    return headers


def hidden(source: RestSource, text: str) -> str:
    """The text without the variables' values, some of which are keys: an answer may repeat what was asked."""
    for name in source.variables():
        value = (environment(name) or "").strip()
        for written in (value, quote_plus(value), quote(value, safe="")) if len(value) >= _KEY_LENGTH else ():
            text = text.replace(written, f"${{{name}}}")
    return text


def _filled(text: str, place: str) -> str:
    def value(variable: re.Match[str]) -> str:
        if (found := environment(variable[1])) is None:
            raise KitFailed(f"{place} names ${{{variable[1]}}}, which is not set", f"export {variable[1]}=…")
        return found.strip()  # a key from a file ends in a line end

    return VARIABLE.sub(value, text)
