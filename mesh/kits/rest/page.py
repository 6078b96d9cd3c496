"""What a source answers -> its records, and what it calls the next page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import msgspec

from mesh.kits.delivery import KitFailed
from mesh.kits.rest.source import Paging, RestSource

_LINK = re.compile(r'<([^>]*)>([^,<]*;\s*rel="?next"?\b[^,<]*)', re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """The records as the source wrote them, and what the source calls the next page: a cursor or URL."""

    records: list[msgspec.Raw]
    next: str | None


def read_page(source: RestSource, body: bytes, headers: Mapping[str, str]) -> Page:
    """The page; raises KitFailed where the answer is none."""
    try:
        msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        what = f"{source.url} answered {headers.get('content-type', 'no content type')}, which is not JSON"
        raise KitFailed(what, "many an API needs .json in its url, or a header Accept") from None
    except RecursionError:
        raise KitFailed(f"{source.url} answered JSON that is nested too deep", "ask in query for less of what is nested") from None
    try:
        records = msgspec.json.decode(_at(body, source.records), type=list[msgspec.Raw])
    except msgspec.MsgspecError:
        raise _no_list(source, body) from None
    return Page(records, _next(source.url, source.paging, body, headers) if source.paging is not None else None)


def _next(url: str, paging: Paging, body: bytes, headers: Mapping[str, str]) -> str | None:
    if paging.by == "link":
        link = _LINK.search(headers.get("link", ""))
        return _same_host(url, link[1]) if link else None
    named = msgspec.json.decode(_at(body, paging.next) or b"null") if paging.by == "cursor" else None
    if named in (None, "", False):
        return None
    return str(named) if paging.at is not None else _same_host(url, str(named))


def _same_host(url: str, link: str) -> str:
    """The next page's URL; headers go to no other host."""
    try:
        address = urljoin(url, link)
        here, there = urlsplit(url), urlsplit(address)
    except ValueError:
        raise KitFailed(f"{url} names a next page that is no address", "paging.at names the parameter where next is a cursor") from None
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        what = f"{url} names a next page at {there.scheme}://{there.netloc}"
        raise KitFailed(what, "headers with keys are sent to one host only: put that one into url")
    return address


def _at(body: bytes, path: str | None) -> bytes:
    """The value there as it is written; nothing where there is none."""
    for part in path.split(".") if path else ():
        try:
            body = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get(part, b"")
        except msgspec.MsgspecError:
            return b""
    return body


def _no_list(source: RestSource, body: bytes) -> KitFailed:
    where = f"at {source.records}" if source.records else "as its body"
    try:
        names = ", ".join(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
        hint = f"records says where it is, by dots; the body has: {names[:200]}"
    except msgspec.MsgspecError:
        hint = "leave records out where the body is the list"
    return KitFailed(f"{source.url} has no list of records {where}", hint)
