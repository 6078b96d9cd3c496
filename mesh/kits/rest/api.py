"""One page of a REST source: asked for no faster than the source takes it, until it answers or says that it never will."""

import email.utils
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec
import urllib3

from mesh.cli.say import note
from mesh.cli.stop import Stop
from mesh.faults import cause
from mesh.kits.delivery import KitFailed
from mesh.kits.rest.source import RestSource

_TIMEOUT_S = 60
_TRIES = 8
_LONGEST_WAIT_S = 60.0
_LATER = (408, 425, 429, 500, 502, 503, 504)
_LINK = re.compile(r'<([^>]*)>([^,<]*;\s*rel="?next"?\b[^,<]*)', re.IGNORECASE)
_DO = {
    400: "query asks for what it does not know: parameters, fields, their quotes",
    401: "a key or token belongs into headers, like Authorization: Bearer ${TOKEN}",
    403: "a key or token belongs into headers, like Authorization: Bearer ${TOKEN}",
    404: "is that the right url?",
}


@dataclass(frozen=True)
class Page:
    """The records as the source wrote them, and what the source calls the next page: a cursor or URL."""

    records: list[msgspec.Raw]
    next: str | None


class Api:
    """A source's pages."""

    def __init__(self, source: RestSource, stop: Stop) -> None:
        self._source, self._stop = source, stop
        self._headers = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": "tapmesh", **source.sent_headers()}
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT_S)
        self._free_at_s, self._met = 0.0, False

    def page(self, query: Mapping[str, str], url: str | None = None) -> Page:
        """The page; raises KitFailed when the source refuses, or when the end was asked for while it was waited for."""
        address = url or f"{self._source.url}?{urlencode(query)}".rstrip("?")
        failures = 0
        while True:
            self._keep_pace()
            try:
                answer = self._http.request("GET", address, headers=self._headers, redirect=False)
            except urllib3.exceptions.HTTPError as error:
                failed, told_s = _unreachable(self._source.url, error), None
                if not self._met:
                    raise failed from None
            else:
                self._met = True
                if answer.status == 200:
                    return self._read(answer)
                failed, told_s = _refused(self._source.url, answer), wait_s(answer.headers, time.time())
                if answer.status not in _LATER and told_s is None:
                    raise failed
            failures += told_s is None
            if failures == _TRIES:
                raise failed
            self._wait(failed, told_s, failures)

    def _wait(self, failed: KitFailed, told_s: float | None, failures: int) -> None:
        backing_off_s = min(_LONGEST_WAIT_S, 0.5 * 2**failures)
        seconds = told_s if told_s is not None else random.uniform(backing_off_s / 2, backing_off_s)
        note(f"{failed}; asking again in {seconds:.1f} s")
        if self._stop.within(seconds):
            raise failed

    def _keep_pace(self) -> None:
        if self._source.per_minute is not None:
            self._stop.within(max(0.0, self._free_at_s - time.monotonic()))
            self._free_at_s = time.monotonic() + 60 / self._source.per_minute

    def _read(self, answer: urllib3.BaseHTTPResponse) -> Page:
        paging, url = self._source.paging, self._source.url
        try:
            body = msgspec.json.decode(answer.data, type=msgspec.Raw)
            msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            kind = answer.headers.get("content-type", "no content type")
            raise KitFailed(f"{url} answered {kind}, which is not JSON", "many an API needs .json in its url, or a header Accept") from None
        found = _at(body, self._source.records)
        try:
            records = msgspec.json.decode(found or b"", type=list[msgspec.Raw])
        except msgspec.MsgspecError:
            raise self._no_list(body) from None
        following = None
        if paging is not None and paging.by == "link":
            link = _LINK.search(answer.headers.get("link", ""))
            following = self._same_host(link[1]) if link else None
        elif paging is not None and paging.by == "cursor":
            named = msgspec.json.decode(_at(body, paging.next) or b"null")
            following = None if named in (None, "", False) else str(named)
            following = self._same_host(following) if following and paging.at is None else following
        return Page(records, following)

    def _same_host(self, link: str) -> str:
        """The next page's URL; headers go to no other host."""
        address = urljoin(self._source.url, link)
        here, there = urlsplit(self._source.url), urlsplit(address)
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            what = f"{self._source.url} names a next page at {there.scheme}://{there.netloc}"
            raise KitFailed(what, "headers with keys are sent to one host only: put that one into url")
        return address

    def _no_list(self, body: msgspec.Raw) -> KitFailed:
        where = f"at {self._source.records}" if self._source.records else "as its body"
        try:
            names = ", ".join(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
            hint = f"records says where it is, by dots; the body has: {names[:200]}"
        except msgspec.MsgspecError:
            hint = "leave records out where the body is the list"
        return KitFailed(f"{self._source.url} has no list of records {where}", hint)


def wait_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """How long a source says to wait: by Retry-After, in seconds or as a date, or by when its rate limit is free again."""
    after = headers.get("retry-after", "").strip()
    if after.isascii() and after.isdigit():
        return float(after)
    if after:
        try:
            return max(0.0, email.utils.parsedate_to_datetime(after).timestamp() - now_s)
        except ValueError:
            return None
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(0.0, float(reset) - now_s) if float(reset) > 1e9 else float(reset)
    return None


def _at(body: msgspec.Raw, path: str | None) -> msgspec.Raw | None:
    """The value there, or nothing."""
    found: msgspec.Raw | None = body
    for part in path.split(".") if path else ():
        try:
            found = msgspec.json.decode(found or b"", type=dict[str, msgspec.Raw]).get(part)
        except msgspec.MsgspecError:
            return None
    return found


def _unreachable(url: str, error: urllib3.exceptions.HTTPError) -> KitFailed:
    return KitFailed(f"{url} cannot be reached: {cause(error, _TIMEOUT_S)}", "is that the right url, and is it up?")


def _refused(url: str, answer: urllib3.BaseHTTPResponse) -> KitFailed:
    said = " ".join(answer.data.decode(errors="replace").split())[:200] if "json" in answer.headers.get("content-type", "") else ""
    if 300 <= answer.status < 400:
        return KitFailed(f"{url} answered {answer.status}: it is at {answer.headers.get('location')}", "put that address into url")
    hint = _DO.get(answer.status, "its pages may say why" if answer.status < 500 else "nothing is lost: start the kit again later")
    return KitFailed(f"{url} answered {answer.status}" + (f": {said}" if said else ""), hint)
