"""One page of a REST source: asked for no faster than the source takes it, until it answers or says that it never will."""

import email.utils
import random
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import urllib3

from mesh.faults import cause
from mesh.kits.delivery import KitFailed
from mesh.kits.rest.asked import hidden, sent_headers
from mesh.kits.rest.page import Page, read_page
from mesh.kits.rest.source import RestSource

_TIMEOUT_S = 60
_TRIES = 8
_LONGEST_WAIT_S, _LONGEST_TOLD_S = 60.0, 86400.0
_LATER = (408, 425, 429, 500, 502, 503, 504)
_DO = {
    400: "query asks for what it does not know: parameters, fields, their quotes",
    401: "a key or token belongs into headers, like Authorization: Bearer ${TOKEN}",
    403: "a key or token belongs into headers, like Authorization: Bearer ${TOKEN}",
    404: "is that the right url?",
}


class Api:
    """A source's pages. `stopped` waits that many seconds and says whether the end was asked for; `tell` hears why it waits."""

    def __init__(self, source: RestSource, stopped: Callable[[float], bool], tell: Callable[[str], None]) -> None:
        self._source, self._stopped, self._tell = source, stopped, tell
        self._headers = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": "tapmesh", **sent_headers(source)}
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT_S)
        self._free_at_s, self._met = 0.0, False

    def page(self, query: Mapping[str, str], url: str | None = None) -> Page:
        """The page; raises KitFailed when the source refuses, or when the end was asked for while it was waited for."""
        address = url or f"{self._source.url}?{urlencode(query)}".rstrip("?")
        failures = 0
        while True:
            self._keep_pace()
            answer = self._answer(address)
            if isinstance(answer, KitFailed):
                failed, told_s = answer, None
            elif answer.status == 200:
                return read_page(self._source, answer.data, answer.headers)
            else:
                failed, told_s = _refused(self._source, answer), wait_s(answer.headers, time.time())
                if answer.status not in _LATER and not (answer.status == 403 and told_s is not None):
                    raise failed
            failures += told_s is None
            if failures == _TRIES:
                raise failed
            self._wait(failed, told_s, failures)

    def _answer(self, address: str) -> urllib3.BaseHTTPResponse | KitFailed:
        """What it answers, or that it does not; raised where it never did, as the address may be wrong."""
        try:
            answer = self._http.request("GET", address, headers=self._headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            failed = KitFailed(f"{self._source.url} cannot be reached: {cause(error, _TIMEOUT_S)}", "is that the right url, and is it up?")
            if self._met:
                return failed
            raise failed from None
        self._met = True
        return answer

    def _wait(self, failed: KitFailed, told_s: float | None, failures: int) -> None:
        backing_off_s = min(_LONGEST_WAIT_S, 0.5 * 2**failures)
        seconds = told_s if told_s is not None else random.uniform(backing_off_s / 2, backing_off_s)
        self._tell(f"{failed}; asking again in {seconds:.1f} s")
        if self._stopped(seconds):
            raise failed

    def _keep_pace(self) -> None:
        if self._source.per_minute is not None:
            self._stopped(max(0.0, self._free_at_s - time.monotonic()))
            self._free_at_s = time.monotonic() + 60 / self._source.per_minute


def wait_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """How long a source says to wait, a day at most: by Retry-After, or by when its rate limit is free again; None where it does not."""
    told_s = _told_s(headers, now_s)
    return min(told_s, _LONGEST_TOLD_S) if told_s is not None and told_s > 0 else None


def _told_s(headers: Mapping[str, str], now_s: float) -> float | None:
    after = headers.get("retry-after", "").strip()
    if after.isascii() and after.isdigit():
        return float(after)
    if after:
        try:
            return email.utils.parsedate_to_datetime(after).timestamp() - now_s
        except (ValueError, OverflowError):
            return None
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return float(reset) - now_s if float(reset) > 1e9 else float(reset)
    return None


def _refused(source: RestSource, answer: urllib3.BaseHTTPResponse) -> KitFailed:
    url, said = source.url, ""
    if 300 <= answer.status < 400:
        return KitFailed(
            hidden(source, f"{url} answered {answer.status}: it is at {answer.headers.get('location')}"), "put that address into url"
        )
    if "json" in answer.headers.get("content-type", ""):
        said = f": {hidden(source, ' '.join(answer.data.decode(errors='replace').split()))[:200]}"
    hint = _DO.get(answer.status, "its pages may say why" if answer.status < 500 else "nothing is lost: start the kit again later")
    return KitFailed(f"{url} answered {answer.status}{said}", hint)
