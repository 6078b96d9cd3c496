"""The lander's side of the link: it answers the handler's store calls and hears what is to land."""

import select
import socket
import time
from pathlib import Path
from typing import Literal

import msgspec

from tap_runtime.errors import LakeDown
from tap_runtime.lake import Objects
from tap_runtime.link import Answer, Done, Get, Message, Put, receive, send

Heard = Done | Literal["gone", "other", "late"]
_messages = msgspec.msgpack.Decoder(Message)


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
            message = _messages.decode(receive(handler))
            if isinstance(message, Done):
                return message
            send(handler, self._answer(message))
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
