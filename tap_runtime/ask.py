"""The handler's side of the link: the lake as the lander has it, and word that the sender has his answer."""

import contextlib
import socket
import time
from pathlib import Path

import msgspec

from tap_runtime.errors import LakeDown
from tap_runtime.link import Answer, Done, Get, Put, receive, send

_answers = msgspec.msgpack.Decoder(Answer)


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
        """Tells the lander that the answer is on its way, over a new link where the old has broken: only this names the batches."""
        try:
            send(self._connection, done)
        except OSError:
            with contextlib.suppress(OSError, LakeDown):  # a lander that died lands what is there when it starts again
                self._rejoin()
                send(self._connection, done)

    def close(self) -> None:
        """Ends the link."""
        self._connection.close()

    def _ask(self, question: Get | Put) -> Answer:
        try:
            send(self._connection, question)
            answer = _answers.decode(receive(self._connection))
        except OSError as error:
            with contextlib.suppress(LakeDown):
                self._rejoin()
            raise LakeDown(f"the lander cannot be reached: {error}") from error
        except BaseException:  # its answer may be on its way yet: the next question must not take it for its own
            self.close()
            raise
        if answer.down is not None:
            raise LakeDown(answer.down)
        return answer

    def _rejoin(self) -> None:
        self.close()
        self._connection = _connect(self._path, patience_s=0)


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
