"""Handler and lander of one environment of Lambda, joined by their socket, as objects in this process."""

import json
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tap_runtime import lake
from tap_runtime.ask import LinkedStore
from tap_runtime.extension import Event
from tap_runtime.function import Function
from tap_runtime.hear import LinkServer
from tap_runtime.lake import Store
from tap_runtime.lander import TapLander, Where, invocation
from tests.tap_runtime.faults import FaultyStore
from tests.tap_runtime.local_tap import LocalTap, column, settings

COLUMNS = (column("id", "VARCHAR"),)


class Scripted:
    """Lambda's Extensions API with one event, which is there at once."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._ours, self._theirs = socket.socketpair()

    def ask(self) -> int:
        self._theirs.send(b"!")
        return self._ours.fileno()

    def event(self) -> Event:
        return self._event


def event(body: str, headers: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """A Function URL event with a POST."""
    context = {"http": {"method": "POST", "path": "/"}}
    return {"requestContext": context, "headers": {**headers}, "rawQueryString": "", "body": body, "isBase64Encoded": False}


class Environment:
    """One environment's two processes as objects; its clock is the tap's."""

    def __init__(self, root: Path, **more: Any) -> None:
        self.tap = LocalTap(root / "lake-side", settings(COLUMNS, **more), self.faulty)
        self.lines: list[dict[str, Any]] = []
        runs = self.tap.lander()
        self.lander = TapLander(Where("clicks", "acme-dev", 128), runs, lambda line: self.lines.append(json.loads(line)))
        self.link = LinkServer(root / "s", self.tap.store)
        self.store = LinkedStore(root / "s", patience_s=20)
        self.function = Function(self.tap.settings, self.store, self.tap.root / "spool")
        self.number = 0
        self.answers = ThreadPoolExecutor(1)

    def faulty(self, store: Store) -> Store:
        """The lake, which fails when it is told to."""
        self.faults = FaultyStore(store, "", -1)
        return self.faults

    def invoke(self, event: dict[str, Any], handler_first: bool = False) -> dict[str, Any]:
        """One request through both; the handler may be done before the lander hears of the request."""
        self.number += 1
        answer = self.answers.submit(self.function.answer, event, f"r{self.number}", self.tap.now)
        if handler_first:
            answer.result(60)
        events = Scripted(Event("INVOKE", int(1000 * (time.time() + 60)), f"r{self.number}"))
        invocation(events, self.link, self.lander.take)
        self.lander.land(time.time() + 60)
        return answer.result(60)

    def post(self, body: str) -> dict[str, Any]:
        """A Function URL event."""
        return self.invoke(event(body))

    @property
    def settings_key(self) -> str:
        """Where the tap's settings are."""
        return lake.settings_key("clicks", self.tap.settings.sha256())

    def markers(self) -> list[str]:
        """Batches that are marked open."""
        return [batch for _, batch in lake.open_batches(self.tap.store)]
