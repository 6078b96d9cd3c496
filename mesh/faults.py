"""Why a tap did not take a batch, in words: what it answered, or why nothing did."""

import ssl

import msgspec
import urllib3
from urllib3 import exceptions as http

from mesh.receipt import Sent

_RETRIED = (408, 425, 429)  # and all from 500 on: a proxy before the tap has statuses of its own
_BAD_ADDRESS = (http.LocationValueError, http.URLSchemeUnknown)
_NO_TAP = "a tap's address ends in /taps/<tap>"


class SendFailed(Exception):
    """The tap did not take a batch; says why, and in `hint` what to do. `sent`: the parts of the batch that it took.

    `for_good`: the same request would fail again. `token_refused`: with another token it might not."""

    def __init__(
        self,
        why: str,
        hint: str = "",
        status: int | None = None,
        retry_after_s: float | None = None,
        for_good: bool = True,
        token_refused: bool = False,
    ) -> None:
        super().__init__(why)
        self.sent = Sent()
        self.hint, self.status, self.retry_after_s = hint, status, retry_after_s
        self.for_good, self.token_refused = for_good, token_refused


class _Refusal(msgspec.Struct, frozen=True):
    error: str
    message: str
    hint: str


def unreachable(url: str, error: http.HTTPError, timeout_s: int) -> SendFailed:
    """No answer came."""
    hint = "is the mesh running? tapmesh dev starts it here; --url names another address"
    return SendFailed(f"{url} cannot be reached: {cause(error, timeout_s)}", hint, for_good=isinstance(error, _BAD_ADDRESS))


def cause(error: http.HTTPError, timeout_s: int) -> str:
    """`Connection refused` rather than the names of three classes."""
    behind = error.__cause__ or error.__context__
    match error:
        case http.NameResolutionError():
            return "its host's name is not known"
        case http.TimeoutError() if not isinstance(error, http.NewConnectionError):  # which urllib3 counts as one
            return f"no answer within {timeout_s} s"
        case http.SSLError():
            return f"TLS failed ({getattr(behind, 'verify_message', '') or getattr(behind, 'reason', '') or 'no TLS is spoken there'})"
        case http.LocationValueError() | http.URLSchemeUnknown():
            return "it is not an address"
    if isinstance(behind, OSError) and not isinstance(behind, ssl.SSLError) and behind.strerror:
        return behind.strerror
    return "the connection ended before the answer"


def refused(url: str, answer: urllib3.BaseHTTPResponse) -> SendFailed:
    """An answer other than 200."""
    again = answer.status >= 500 or answer.status in _RETRIED
    after = answer.headers.get("retry-after", "")
    after_s = float(after) if after.isascii() and after.isdigit() else None
    try:
        refusal = msgspec.json.decode(answer.data, type=_Refusal)
    except msgspec.MsgspecError:
        return SendFailed(f"{url} answered {answer.status}, but not as a tap does", _NO_TAP, answer.status, after_s, not again)
    stale = answer.status == 401 or refusal.error == "token_expired"
    words = f"{answer.status} {refusal.error}: {refusal.message}"
    return SendFailed(words, refusal.hint, answer.status, after_s, for_good=stale or not again, token_refused=stale)
