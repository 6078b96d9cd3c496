"""`TapClient`: posts batches of lines to a tap, with gzip, retries, halves, fresh tokens and an Idempotency-Key each; returns receipts."""

import gzip
import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
import urllib3

from mesh.batches import BATCH_BYTES
from mesh.faults import SendFailed, refused, unreachable
from mesh.receipt import Receipt, Sent
from mesh.token import Token, TokenSource

_LONGEST_WAIT_S = 20.0
_TIMEOUT_S = 60
_WHOLE_BYTES = 2 * BATCH_BYTES  # any tap takes so much; more is halved unasked, so that the parts are the same whatever it takes then


def _slept(seconds: float) -> bool:
    time.sleep(seconds)
    return False


class Http(Protocol):
    """What a request goes by."""

    def request(self, method: str, url: str, *, body: bytes, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """The answer; raises urllib3's HTTPError where none came."""


class TapClient:
    """A tap's URL, and where tokens for it come from; one thread's own. A request is posted `tries` times at most (None: for ever):
    `tell` hears why it is tried again, `stopped` waits that many seconds and says whether to give up."""

    def __init__(
        self,
        url: str,
        token_source: TokenSource,
        tries: int | None = 9,
        tell: Callable[[str], None] = lambda _: None,
        stopped: Callable[[float], bool] = _slept,
        http: Http | None = None,
    ) -> None:
        self.url = url
        self._token, self._tries, self._tell, self._stopped = Token(token_source), tries, tell, stopped
        self._token_source = token_source
        self._http: Http = http or urllib3.PoolManager(retries=False, timeout=_TIMEOUT_S)

    def another(self) -> "TapClient":
        """The same for another thread."""
        return TapClient(self.url, self._token_source, self._tries, self._tell, self._stopped)

    def ack(self) -> str:
        """`stored` or `buffered`, asked of the tap by an empty request, which proves address, token and grant too.

        Raises SendFailed, at once where nobody answers: the address may be wrong. A tap that throttles or is in trouble is tried again."""
        return self._persistently(b"", uuid.uuid4().hex, known=False).durability

    def send(self, lines: bytes, key: str | None = None) -> Sent:
        """Sends one batch of lines. The same lines under the same `key` count once on a `stored` tap; without one the key is random.

        Raises SendFailed once it is sure that the rest will not be taken; its `sent` says what was."""
        sent = Sent()
        try:
            self._send(lines, key or uuid.uuid4().hex, 0, sent)
        except SendFailed as failed:
            failed.sent = sent
            raise
        return sent

    def _send(self, lines: bytes, key: str, first: int, sent: Sent) -> None:
        half = _half(lines)
        if half is None or len(lines) <= _WHOLE_BYTES:
            try:
                sent.receipts.append(self._persistently(lines, key))
                return
            except SendFailed as failed:
                if failed.status != 413:
                    raise
            if half is None:
                sent.too_large.append(first)
                return
        self._send(lines[:half], f"{key}0", first, sent)
        self._send(lines[half:], f"{key}1", first + lines.count(b"\n", 0, half), sent)

    def _persistently(self, lines: bytes, key: str, known: bool = True) -> Receipt:
        """`known`: somebody has answered at that address before."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._post(lines, key)
            except SendFailed as failed:
                known = known or failed.status is not None
                if failed.for_good or not known or attempt == self._tries:
                    raise
                longest_s = min(_LONGEST_WAIT_S, 0.2 * 2 ** min(attempt, 10))
                wait_s = min(failed.retry_after_s or random.uniform(longest_s / 2, longest_s), _LONGEST_WAIT_S)
                self._tell(f"{failed}; trying again in {wait_s:.1f} s")
                if self._stopped(wait_s):
                    raise

    def _post(self, lines: bytes, key: str) -> Receipt:
        try:
            return self._once(lines, key)
        except SendFailed as failed:
            if not failed.token_refused or not self._token.renewed():
                raise
        return self._once(lines, key)

    def _once(self, lines: bytes, key: str) -> Receipt:
        headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip", "idempotency-key": key}
        if (token := self._token.current()) is not None:
            headers["x-bd-authorization"] = token
        try:
            answer = self._http.request("POST", self.url, body=gzip.compress(lines, 1), headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(self.url, error, _TIMEOUT_S) from None
        if answer.status != 200:
            raise refused(self.url, answer)
        try:
            return msgspec.json.decode(answer.data, type=Receipt)
        except msgspec.MsgspecError:
            raise SendFailed(f"{self.url} answered 200, but not as a tap does", "a tap's address ends in /taps/<tap>") from None


def _half(lines: bytes) -> int | None:
    """Where the line begins that is nearest to the middle, or None where there is one line only."""
    middle = len(lines) // 2
    cut = lines.rfind(b"\n", 0, middle) + 1 or lines.find(b"\n", middle) + 1
    return cut if 0 < cut < len(lines) else None
