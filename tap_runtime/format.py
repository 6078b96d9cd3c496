"""What tapmesh wrote into a lake or a spool, read back: every such object says its format, and a newer one is refused in words."""

from typing import TypeVar

import msgspec
from msgspec import Struct

from tap_runtime import FORMAT
from tap_runtime.errors import Broken, NewerFormat

_Written = TypeVar("_Written", bound=Struct)


class _Versioned(Struct):
    format: int = FORMAT


def read_back(body: bytes, kind: type[_Written], what: str) -> _Written:
    """The JSON object `body` as `kind`; raises NewerFormat, or Broken where it is anything else."""
    try:
        found = msgspec.json.decode(body, type=_Versioned).format
        if found > FORMAT:
            raise NewerFormat(f"{what} has format {found}; this tapmesh reads up to {FORMAT}: upgrade it")
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Broken(f"{what} is not as tapmesh wrote it: {error}") from None
