"""The Extensions API's answers as a server may write them: with a length or in chunks, in pieces, refused, or not at all."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tap_runtime.extension import Event, Extension

REGISTERED = b"HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: one\r\nContent-Length: 2\r\n\r\n{}"
INVOKE = b'{"eventType":"INVOKE","deadlineMs":5,"requestId":"r1","tracing":{"type":"X-Amzn-Trace-Id"}}'
SHUTDOWN = b'{"eventType":"SHUTDOWN","shutdownReason":"spindown","deadlineMs":7}'

Api = Callable[..., tuple[Extension, list[bytes]]]


@pytest.fixture
def api() -> Iterator[Api]:
    """An extension registered with a server that gives these answers, and the requests the server heard."""
    ends: list[socket.socket] = []

    def serve(listener: socket.socket, answers: tuple[bytes, ...], heard: list[bytes]) -> None:
        connection, _ = listener.accept()
        ends.append(connection)
        for answer in answers:
            heard.append(connection.recv(65536))
            for start in range(0, len(answer), 40):  # in pieces
                connection.sendall(answer[start : start + 40])
                time.sleep(0.001)
        connection.recv(65536)
        connection.close()

    def made(*answers: bytes) -> tuple[Extension, list[bytes]]:
        listener, heard = socket.create_server(("127.0.0.1", 0)), []
        ends.append(listener)
        threading.Thread(target=serve, args=(listener, answers, heard), daemon=True).start()
        return Extension(f"127.0.0.1:{listener.getsockname()[1]}", "tapmesh-lander"), heard

    yield made
    for end in ends:
        end.close()


def test_it_registers_and_hears_one_event_after_the_other(api: Api) -> None:
    plain = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(INVOKE), INVOKE)
    halves = SHUTDOWN[:20], SHUTDOWN[20:]
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n%X;of=two\r\n%b\r\n0\r\n\r\n"
    chunked %= (len(halves[0]), halves[0], len(halves[1]), halves[1])
    extension, heard = api(REGISTERED, plain, chunked, plain)
    events = []
    for _ in range(3):
        extension.ask()
        events.append(extension.event())
    invoke = Event("INVOKE", 5, "r1")
    assert events == [invoke, Event("SHUTDOWN", 7, shutdown_reason="spindown"), invoke]
    assert b"Lambda-Extension-Name: tapmesh-lander\r\n" in heard[0] and heard[0].endswith(b'{"events":["INVOKE","SHUTDOWN"]}')
    assert b"lambda-extension-identifier: one\r\n" in heard[1]


def test_a_refusal_and_an_end_are_errors_and_no_event(api: Api) -> None:
    extension, _ = api(REGISTERED, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    extension.ask()
    with pytest.raises(RuntimeError, match="403 Forbidden"):
        extension.event()
    extension.ask()
    with pytest.raises(RuntimeError, match="answered nothing"):
        extension.event()
