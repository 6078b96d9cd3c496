"""`TapClient` against a real mesh, and against a server that fails as the test says."""

import datetime as dt
import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mesh.client import TapClient
from mesh.faults import SendFailed
from mesh.grants.keys import laptop_keyring
from mesh.grants.tokens import issue
from mesh.kits.delivery import Delivery, KitFailed
from mesh.local.workspace import STACK, beside
from mesh.plan import issuer
from mesh.spec import load
from tests.local.conftest import RunningMesh

TAKEN = b'{"statusCode":200,"received":1,"accepted":1,"quarantined_count":0,"durability":"stored","receipt":"b-0"}'


class Failing(HTTPServer):
    """Answers each request with the next status of a list, 200 in the end; 0 closes the connection."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses, self.keys = list(statuses), list[str]()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """Its tap."""
        return f"http://127.0.0.1:{self.server_port}/taps/clicks"


class _Handler(BaseHTTPRequestHandler):
    server: Failing

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.keys.append(self.headers["idempotency-key"])
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        if status == 429:
            self.send_header("retry-after", "7")
        body = TAKEN if status == 200 else b"busy"
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Waits:
    """In place of sleeping: keeps the waits, and asks for the end after so many."""

    def __init__(self, ends_after: int = 1000) -> None:
        self.seconds: list[float] = []
        self._ends_after = ends_after

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        return len(self.seconds) >= self._ends_after


@pytest.fixture
def tokens(served: RunningMesh) -> Iterator[list[str]]:
    """Tokens of lead for orders: one that expired five minutes ago, one that is good for an hour."""
    mesh = load(served.file).mesh
    assert mesh is not None
    now, key = dt.datetime.now(dt.UTC), laptop_keyring(beside(served.file).keys).signing
    spans = [(now - dt.timedelta(minutes=65), 60), (now, 60)]
    yield [issue(key, issuer(mesh, STACK), "lead", ["orders"], dt.timedelta(minutes=for_m), at) for at, for_m in spans]


def orders(served: RunningMesh) -> str:
    return f"http://127.0.0.1:{served.port}/taps/orders"


def test_faults_that_pass_are_waited_out_with_one_key() -> None:
    server, waits, told = Failing(429, 500, 0, 503, 408, 522), Waits(), list[str]()
    sent = TapClient(server.url, lambda: None, tell=told.append, stopped=waits).send(b"{}\n")
    assert [receipt.receipt for receipt in sent.receipts] == ["b-0"]
    assert (sent.stored, len(server.keys), len(set(server.keys))) == (True, 7, 1)
    assert waits.seconds[0] == 7
    assert all(0.1 * 2**n <= wait <= 0.2 * 2**n for n, wait in enumerate(waits.seconds[1:], 2))
    assert [words.partition(": ")[2].partition(";")[0] for words in told if "reached" in words] == [
        "the connection ended before the answer"
    ]
    server.shutdown()


def test_it_gives_up_after_so_many_tries_when_it_is_stopped_and_at_once_where_nothing_would_change() -> None:
    server, waits = Failing(*[503] * 100), Waits()
    with pytest.raises(SendFailed, match="503"):
        TapClient(server.url, lambda: None, tries=4, stopped=waits).send(b"{}\n")
    with pytest.raises(SendFailed, match="503"):
        TapClient(server.url, lambda: None, tries=None, stopped=Waits(ends_after=20)).send(b"{}\n")
    assert (len(waits.seconds), len(server.keys)) == (3, 24)
    server.statuses = [400]
    with pytest.raises(SendFailed, match="answered 400"):
        TapClient(server.url, lambda: None).send(b"{}\n")
    server.shutdown()


def test_a_tap_that_throttles_is_asked_again_and_one_that_does_not_answer_is_not() -> None:
    server, waits = Failing(429, 0, 503), Waits()
    client = TapClient(server.url, lambda: None, tries=None, stopped=waits)
    assert (client.ack(), len(server.keys), len(set(server.keys)), waits.seconds[0]) == ("stored", 4, 1, 7)
    server.statuses = [0]
    with pytest.raises(SendFailed, match="cannot be reached"):
        client.ack()
    assert len(server.keys) == 5
    server.shutdown()


def test_an_expired_token_is_replaced_and_one_that_cannot_be_ends_it_at_once(served: RunningMesh, tokens: list[str]) -> None:
    expired, good = tokens
    source = iter(tokens)
    assert TapClient(orders(served), lambda: next(source)).send(b'{"a":1}\n').receipts[0].accepted == 1
    told: list[str] = []
    with pytest.raises(SendFailed, match="503 token_expired"):
        TapClient(orders(served), lambda: expired, tell=told.append).send(b'{"a":1}\n')
    calls: list[int] = []
    fixed = TapClient(orders(served), lambda: (calls.append(1), good)[1])
    for _ in range(3):
        fixed.send(b'{"a":1}\n')
    assert (told, len(calls)) == ([], 1)


def test_a_new_token_comes_before_the_old_one_expires(served: RunningMesh, tokens: list[str]) -> None:
    """The first one has 30 seconds left in name only: its claims are read, the tap never sees it."""
    mesh = load(served.file).mesh
    assert mesh is not None
    key = laptop_keyring(beside(served.file).keys).signing
    soon = issue(key, issuer(mesh, STACK), "partner", ["orders"], dt.timedelta(seconds=1), dt.datetime.now(dt.UTC))
    source = iter([soon, tokens[1]])
    client = TapClient(orders(served), lambda: next(source))
    threading.Event().wait(1)
    assert client.send(b'{"a":1}\n').receipts[0].accepted == 1


def test_a_grant_that_is_missing_ends_it_in_words(served: RunningMesh, tokens: list[str]) -> None:
    elsewhere = f"http://127.0.0.1:{served.port}/taps/nowhere"
    with pytest.raises(SendFailed, match="404 no_such_tap"):
        TapClient(elsewhere, lambda: tokens[1]).send(b"{}\n")
    token = served.run("token", "--as", "partner", "--tap", "orders").stdout.strip()
    with pytest.raises(SendFailed, match="403 not_granted: partner may no longer write to orders"):
        TapClient(orders(served), lambda: token).send(b"{}\n")


def test_a_batch_that_is_too_large_is_halved_and_a_line_that_is_by_itself_is_named(served: RunningMesh) -> None:
    url = f"http://127.0.0.1:{served.port}/taps/clicks"
    line, huge = b'{"id":"%b"}\n' % (b"x" * 500_000), b'{"id":"%b"}\n' % (b"y" * 9_000_000)
    sent = TapClient(url, lambda: None).send(line * 5 + huge + line * 14, key="halved")
    assert (sum(receipt.accepted for receipt in sent.receipts), sent.too_large, sent.stored) == (19, [5], False)
    again = TapClient(url, lambda: None).send(line * 5 + huge + line * 14, key="halved")
    assert all(receipt.duplicate for receipt in again.receipts)
    assert [receipt.receipt for receipt in again.receipts] == [receipt.receipt for receipt in sent.receipts]


class Growing(HTTPServer):
    """A stored tap that takes `most_bytes` at once; `kept` are the lines of each key."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.most_bytes, self.kept = most_bytes, dict[str, list[bytes]]()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


class _Taking(BaseHTTPRequestHandler):
    server: Growing

    def do_POST(self) -> None:
        lines = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
        taken = len(lines) <= self.server.most_bytes
        if taken:
            self.server.kept.setdefault(self.headers["idempotency-key"], lines.splitlines())
        self.send_response(200 if taken else 413)
        self.send_header("content-length", str(len(TAKEN)))
        self.end_headers()
        self.wfile.write(TAKEN)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("huge_at", [0, 3, 7])
def test_a_batch_with_a_line_that_was_too_large_counts_once_when_the_tap_takes_more(huge_at: int) -> None:
    """Which is what the kits advise: the rest of the batch was taken before, and the batch comes again under its key."""
    tap = Growing(8_000_000)
    lines = [b'{"id":%d,"text":"%b"}' % (number, b"x" * (9_000_000 if number == huge_at else 130_000)) for number in range(8)]
    delivery = Delivery(TapClient(f"http://127.0.0.1:{tap.server_port}/", lambda: None), accept_loss=False)
    with pytest.raises(SendFailed, match="larger than the tap takes"):
        delivery.send(b"\n".join(lines) + b"\n", key="batch")
    tap.most_bytes = 100_000_000
    delivery.send(b"\n".join(lines) + b"\n", key="batch")
    tap.shutdown()
    assert sorted(line for kept in tap.kept.values() for line in kept) == lines


def test_a_kit_says_now_and_then_how_far_it_is(served: RunningMesh) -> None:
    now, told = [0.0], list[str]()
    url = f"http://127.0.0.1:{served.port}/taps/clicks"
    delivery = Delivery(TapClient(url, lambda: None), accept_loss=False, tell=told.append, clock=lambda: now[0])
    for now[0] in (1, 14, 16, 20, 32):
        delivery.send(b'{"id":"a"}\n{"no":"id"}\n')
    assert told == ["6 records so far, 3 in quarantine", "10 records so far, 5 in quarantine"]


def test_a_kit_insists_on_a_stored_tap_or_on_loss_being_accepted(served: RunningMesh, tokens: list[str]) -> None:
    clicks = f"http://127.0.0.1:{served.port}/taps/clicks"
    stored = Delivery(TapClient(clicks, lambda: None), accept_loss=False)
    assert stored.start() == "stored"
    stored.send(b'{"id":"a"}\n{"no":"id"}\n')
    assert (stored.records, stored.quarantined) == (2, 1)
    buffered = Delivery(TapClient(orders(served), lambda: tokens[1]), accept_loss=False)
    with pytest.raises(KitFailed, match="is buffered: it may lose"):
        buffered.start()
    with pytest.raises(KitFailed, match="is buffered: it may lose"):
        buffered.send(b'{"a":1}\n')
    accepting = Delivery(TapClient(orders(served), lambda: tokens[1]), accept_loss=True)
    assert accepting.start() == "buffered"
    accepting.send(b'{"a":1}\n')
    with pytest.raises(SendFailed, match="a record of 9,000,009 bytes is larger than the tap takes"):
        stored.send(b'{"id":"%b"}\n' % (b"y" * 9_000_000))
