"""A record a tap accepts, made from its schema, and the curl command that sends it."""

import datetime as dt
import shlex
from typing import Any

import msgspec

from tap_runtime.schema import INTEGERS, Column, Type
from tap_runtime.settings import TapSettings


def sample(columns: tuple[Column, ...], now: dt.datetime) -> str:
    """One line of JSON with a value in every declared field."""
    record = {column.name: _value(column.type, now) for column in columns} or {"message": "hello", "n": 1}
    return msgspec.json.encode(record).decode()


def _value(kind: Type, now: dt.datetime) -> Any:
    if kind.kind in INTEGERS:
        return 1
    match kind.kind:
        case "STRUCT":
            return {field.name: _value(field.type, now) for field in kind.fields}
        case "LIST":
            return [_value(kind.fields[0].type, now)]
        case "MAP":
            return {"key": _value(kind.fields[0].type, now)}
        case "TIMESTAMP" | "TIMESTAMPTZ":
            return f"{now:%Y-%m-%dT%H:%M:%SZ}" if kind.epoch is None else int(now.timestamp() * {"s": 1, "ms": 1000}[kind.epoch])
        case "DECIMAL":
            return 1 if kind.precision > kind.scale else 0
    fixed = {"BOOLEAN": True, "DOUBLE": 1.5, "FLOAT": 1.5, "DATE": f"{now:%Y-%m-%d}", "TIME": f"{now:%H:%M:%S}"}
    return (fixed | {"JSON": {"any": "thing"}, "UUID": "00000000-0000-4000-8000-000000000001"}).get(kind.kind, "example")


def curl(host: str, settings: TapSettings, token: str | None, body: str) -> tuple[str, str, str]:
    """The command that sends `body`: what stands before the body, the body as a shell's word, and what stands behind it."""
    header = f"-H 'x-bd-authorization: {token}' \\\n  " if token is not None else ""
    return f"curl {header}--data-raw ", shlex.quote(body), f" \\\n  http://{host}/taps/{settings.tap}"
