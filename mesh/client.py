"""`TapClient`: posts batches of lines to a tap, with gzip, retries and an Idempotency-Key each, and returns the receipts."""

import gzip
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import urllib3

_RETRIED = (429, 500, 502, 503, 504)
_LONGEST_WAIT_S = 20.0
_BAD_ADDRESS = (urllib3.exceptions.LocationValueError, urllib3.exceptions.URLSchemeUnknown)


class SendFailed(Exception):
    """The tap did not take a batch; says why, and in `hint` what to do."""

    def __init__(self, why: str, hint: str = "", retry_after_s: float | None = None, for_good: bool = True) -> None:
        super().__init__(why)
        self.hint, self.retry_after_s, self.for_good = hint, retry_after_s, for_good


class Receipt(msgspec.Struct, frozen=True):
    """A tap's answer to one batch."""

    received: int
    accepted: int
    quarantined_count: int
    durability: str
    receipt: str | None = None


class _Refusal(msgspec.Struct, frozen=True):
    error: str
    message: str
    hint: str


def _slept(seconds: float) -> bool:
    time.sleep(seconds)
    return False


@dataclass(frozen=True)
class TapClient:
    """A tap's URL and the token for it. A batch is posted `tries` times at most: `tell` hears why it is tried again, `stopped` waits
    that many seconds and says whether to give up."""

    url: str
    token: str | None
    tries: int = 9
    tell: Callable[[str], None] = lambda _: None
    stopped: Callable[[float], bool] = _slept

    def send(self, batch: bytes) -> Receipt:
        """Sends one batch of lines; raises SendFailed once it is sure that it will not be taken."""
        headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip", "idempotency-key": uuid.uuid4().hex}
        if self.token is not None:
            headers["x-bd-authorization"] = self.token
        body = gzip.compress(batch, 1)
        for attempt in range(1, self.tries + 1):
            try:
                return self._post(body, headers)
            except SendFailed as failed:
                if failed.for_good or attempt == self.tries:
                    raise
                longest_s = min(_LONGEST_WAIT_S, 0.2 * 2**attempt)
                wait_s = failed.retry_after_s or random.uniform(longest_s / 2, longest_s)
                self.tell(f"{failed}; trying again in {wait_s:.1f} s")
                if self.stopped(wait_s):
                    raise
        raise AssertionError("tries is at least 1")

    def _post(self, body: bytes, headers: dict[str, str]) -> Receipt:
        try:
            answer = urllib3.request("POST", self.url, body=body, headers=headers, retries=False, timeout=60)
        except urllib3.exceptions.HTTPError as error:
            hint = "is the mesh running? tapmesh dev starts it here; --url names another address"
            raise SendFailed(f"{self.url} cannot be reached: {_cause(error)}", hint, for_good=isinstance(error, _BAD_ADDRESS)) from None
        if answer.status == 200:
            return self._receipt(answer.data)
        raise _refused(self.url, answer)

    def _receipt(self, body: bytes) -> Receipt:
        try:
            return msgspec.json.decode(body, type=Receipt)
        except msgspec.MsgspecError:
            raise SendFailed(f"{self.url} answered 200, but not as a tap does", "a tap's address ends in /taps/<tap>") from None


def _cause(error: Exception) -> str:
    """`Connection refused` rather than the names of three classes."""
    cause = error.__cause__ or error.__context__ or error
    said = cause.strerror if isinstance(cause, OSError) else None
    return said or str(cause).rpartition(": ")[2] or type(cause).__name__


def _refused(url: str, answer: urllib3.BaseHTTPResponse) -> SendFailed:
    again = answer.status in _RETRIED
    after = answer.headers.get("retry-after", "")
    after_s = min(float(after), _LONGEST_WAIT_S) if after.isascii() and after.isdigit() else None
    try:
        refusal = msgspec.json.decode(answer.data, type=_Refusal)
    except msgspec.MsgspecError:
        return SendFailed(
            f"{url} answered {answer.status}, but not as a tap does", "a tap's address ends in /taps/<tap>", after_s, not again
        )
    return SendFailed(f"{answer.status} {refusal.error}: {refusal.message}", refusal.hint, after_s, not again)
