"""The Unix socket between Lambda's handler and its lander: store calls with an answer each, and what is to land once the sender has his.

A frame is its length in four bytes and a msgpack message. One handler at a time; it asks, the lander answers in order.
"""

import contextlib
import select
import socket
import struct
import time
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from tap_runtime.errors import LakeDown
from tap_runtime.lake import Objects

_LENGTH = struct.Struct("<I")
_encode = msgspec.msgpack.Encoder().encode


class Get(Struct, frozen=True, tag=True, array_like=True):
    """Asks for an object."""

    key: str


class Put(Struct, frozen=True, tag=True, array_like=True):
    """Puts an object; `new`: only where there is none."""

    key: str
    body: bytes
    new: bool
    keep_days: int | None = None


class Done(Struct, frozen=True, tag=True, array_like=True):
    """The request is answered: these batches, which take nothing more, are to land. Has no answer itself."""

    request: str
    spooled: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()


class Answer(Struct, frozen=True, array_like=True):
    """To a Get the object or None, to a Put whether it was put; `down` says why the lake could not tell."""

    body: bytes | None = None
    put: bool = True
    down: str | None = None


Message = Get | Put | Done
Heard = Done | Literal["gone", "other", "late"]
_messages = msgspec.msgpack.Decoder(Message)
_answers = msgspec.msgpack.Decoder(Answer)


def _send(connection: socket.socket, message: Message | Answer) -> None:
    body = _encode(message)
    connection.sendall(_LENGTH.pack(len(body)) + body)


def _receive(connection: socket.socket) -> bytes:
    """One frame; raises ConnectionError when the other side has gone."""
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    return _exactly(connection, length)


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        part = connection.recv(size - len(found))
        if not part:
            raise ConnectionResetError("the other side of the link has gone")
        found += part
    return bytes(found)


class LinkedStore:
    """The lake as the handler has it: each call is the lander's. Without a lander, or one that died meanwhile, the lake is down."""

    def __init__(self, path: Path, patience_s: float) -> None:
        """Waits for the lander, which starts at the same time, for `patience_s` at the most; raises LakeDown."""
        self._path = path
        self._connection = _connect(path, patience_s)

    def get(self, key: str) -> bytes | None:
        return self._ask(Get(key)).body

    def put(self, key: str, body: bytes, keep_days: int | None = None) -> None:
        self._ask(Put(key, body, False, keep_days))

    def put_new(self, key: str, body: bytes, keep_days: int | None = None) -> bool:
        return self._ask(Put(key, body, True, keep_days)).put

    def done(self, done: Done) -> None:
        """Tells the lander that the answer is on its way."""
        with contextlib.suppress(OSError):  # a lander that died lands what is there when it starts again
            _send(self._connection, done)

    def close(self) -> None:
        """Ends the link."""
        self._connection.close()

    def _ask(self, question: Get | Put) -> Answer:
        try:
            _send(self._connection, question)
            answer = _answers.decode(_receive(self._connection))
        except OSError as error:
            self.close()
            with contextlib.suppress(LakeDown):
                self._connection = _connect(self._path, patience_s=0)
            raise LakeDown(f"the lander cannot be reached: {error}") from error
        except BaseException:  # its answer may be on its way yet: the next question must not take it for its own
            self.close()
            raise
        if answer.down is not None:
            raise LakeDown(answer.down)
        return answer


def _connect(path: Path, patience_s: float) -> socket.socket:
    until = time.monotonic() + patience_s
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
        except OSError as error:
            connection.close()
            if time.monotonic() >= until:
                raise LakeDown(f"the lander cannot be reached: {error}") from error
            time.sleep(0.005)
        else:
            return connection


class LinkServer:
    """The lander's side, without a thread of its own: a small core has none to spare."""

    def __init__(self, path: Path, store: Objects) -> None:
        self._store = store
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._handler: socket.socket | None = None

    def has_handler(self) -> bool:
        """Whether a handler has joined and not gone."""
        return self._handler is not None

    def hear(self, other: int | None, until: float | None) -> Heard:
        """Answers store calls until the handler says something else or goes, the descriptor `other` can be read, or `until` comes."""
        while True:
            left_s = None if until is None else max(0.0, until - time.time())
            ends = [end for end in (self._handler, self._listener, other) if end is not None]
            ready, _, _ = select.select(ends, [], [], left_s)
            if not ready:
                return "late"
            if self._handler in ready:
                heard = self._receive(self._handler)
                if heard is not None:
                    return heard
            elif self._listener in ready:
                self._accept()
            else:
                return "other"

    def close(self) -> None:
        """Ends the link, as the end of the process does."""
        for end in (self._listener, self._handler):
            if end is not None:
                end.close()

    def _accept(self) -> None:
        if self._handler is not None:  # its process has ended, or there would be no other
            self._handler.close()
        self._handler, _ = self._listener.accept()

    def _receive(self, handler: socket.socket) -> Heard | None:
        try:
            message = _messages.decode(_receive(handler))
            if isinstance(message, Done):
                return message
            _send(handler, self._answer(message))
        except (OSError, msgspec.MsgspecError):
            handler.close()
            self._handler = None
            return "gone"
        return None

    def _answer(self, message: Get | Put) -> Answer:
        try:
            if isinstance(message, Get):
                return Answer(body=self._store.get(message.key))
            if message.new:
                return Answer(put=self._store.put_new(message.key, message.body, message.keep_days))
            self._store.put(message.key, message.body, message.keep_days)
        except LakeDown as error:
            return Answer(down=str(error))
        return Answer()
