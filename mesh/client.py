"""`TapClient`: posts batches of lines to a tap, with gzip, retries and an Idempotency-Key each, and returns the receipts."""

import gzip
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import urllib3

BATCH_BYTES = 1_000_000
BATCH_LINES = 10_000
_RETRIED = (429, 500, 502, 503, 504)


class SendFailed(Exception):
    """The tap did not take a batch; says why and what to do."""


class Receipt(msgspec.Struct, frozen=True):
    """A tap's answer to one batch."""

    received: int
    accepted: int
    quarantined_count: int
    durability: str
    receipt: str | None = None


@dataclass(frozen=True)
class TapClient:
    """A tap's URL and the token for it."""

    url: str
    token: str | None
    tries: int = 8

    def send(self, batch: bytes) -> Receipt:
        """Sends one batch of lines; raises SendFailed once it is sure that it will not be taken."""
        headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip", "idempotency-key": uuid.uuid4().hex}
        if self.token is not None:
            headers["x-bd-authorization"] = self.token
        retry = urllib3.Retry(
            self.tries,
            status_forcelist=_RETRIED,
            allowed_methods=None,
            backoff_factor=0.2,
            backoff_max=20,
            backoff_jitter=0.5,
            raise_on_status=False,
        )
        try:
            answer = urllib3.request("POST", self.url, body=gzip.compress(batch, 1), headers=headers, retries=retry, timeout=60)
        except urllib3.exceptions.HTTPError as error:
            raise SendFailed(f"{self.url} cannot be reached ({type(error).__name__}); is the mesh running?") from None
        if answer.status != 200:
            raise SendFailed(_refusal(answer.status, answer.data))
        return msgspec.json.decode(answer.data, type=Receipt)


def _refusal(status: int, body: bytes) -> str:
    try:
        refusal = msgspec.json.decode(body, type=dict[str, str | int])
        return f"{status} {refusal['error']}: {refusal['message']}\n{refusal['hint']}"
    except (msgspec.MsgspecError, KeyError):
        return f"{status}: not an answer of a tap"


def batches(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines grouped into batches of at most BATCH_BYTES and BATCH_LINES; a longer line goes alone."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if batch and (size + len(line) > BATCH_BYTES or len(batch) >= BATCH_LINES):
            yield b"".join(batch)
            batch, size = [], 0
        batch.append(line)
        size += len(line)
    if batch:
        yield b"".join(batch)
