"""Lambda's entry of a declared source: what its schedule calls reads the API from the bookmark on, and ends before Lambda would."""

import functools
import time
from collections.abc import Callable
from typing import Any

import botocore.session
import msgspec
from botocore.config import Config

from mesh.client import TapClient
from mesh.faults import SendFailed
from mesh.kits.delivery import Delivery, KitFailed
from mesh.kits.rest.invoked import Invoked
from mesh.kits.rest.parameter import Parameter
from mesh.kits.rest.place import Place
from mesh.kits.rest.reading import Reading
from mesh.kits.rest.source import Scheduled
from tap_runtime.settings import environment
from tap_runtime.store import bucket_store

_LAST_S = 150.0  # a page and a batch may each be waited for a minute, and the place is to be kept


def handler(event: object, context: Any) -> None:
    """One reading. What it could not do fails the invocation, and the next one goes on."""
    ends_s: float = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _LAST_S
    source = msgspec.json.decode(environment("TAPMESH_SOURCE") or "", type=Scheduled)

    def stopped(seconds: float) -> bool:
        time.sleep(max(0.0, min(seconds, ends_s - time.monotonic())))
        return time.monotonic() >= ends_s

    def say(text: str) -> None:
        print(msgspec.json.encode({"event": "read", "source": source.name, "said": text}).decode(), flush=True)

    try:
        _read(source, stopped, say)
    except (KitFailed, SendFailed) as failed:
        say(f"{failed}; {failed.hint}")
        if not stopped(0):
            raise


def _read(source: Scheduled, stopped: Callable[[float], bool], say: Callable[[str], None]) -> None:
    session, config = botocore.session.get_session(), Config(read_timeout=60, retries={"total_max_attempts": 3})
    client = functools.partial(session.create_client, config=config)
    tap = TapClient(source.into, lambda: None, None, say, stopped, Invoked(source.name, client("lambda")))
    place = Place(Parameter(source.parameter, source.name, bucket_store(source.lake), client("ssm")), source.rest.url)
    try:
        Reading(source.rest, place, Delivery(tap, False, say), stopped, say).run()
    finally:
        place.close()
