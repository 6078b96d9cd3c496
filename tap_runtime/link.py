"""The Unix socket between Lambda's handler and its lander: store calls with an answer each, and what is to land once the sender has his.

A frame is its length in four bytes and a msgpack message. One handler at a time: it asks (ask.py), the lander answers in order (hear.py).
"""

import socket
import struct

import msgspec
from msgspec import Struct

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


def send(connection: socket.socket, message: Message | Answer) -> None:
    """One frame; raises OSError when the other side has gone."""
    body = _encode(message)
    connection.sendall(_LENGTH.pack(len(body)) + body)


def receive(connection: socket.socket) -> bytes:
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
