"""A kit's bookmark on disk, and the Idempotency-Key of the batch that it is about to move past."""

import hashlib
from pathlib import Path
from typing import TypeVar

import msgspec

from mesh.kits.delivery import KitFailed
from mesh.kits.files import put

Head = TypeVar("Head", bound=msgspec.Struct)


def key(lines: bytes) -> str:
    """A batch's Idempotency-Key: every line of it says what it is of, so that equal batches are the same one."""
    return hashlib.sha256(lines).hexdigest()


def save(file: Path, head: msgspec.Struct, batch: bytes) -> None:
    """Puts both and their digest into the file, at once and whole, power loss included."""
    first = msgspec.json.encode(head)
    put(file, b"\n".join((first, key(first + batch).encode(), batch)))


def saved(file: Path, kind: type[Head], hint: str) -> tuple[Head, bytes] | None:
    """Head and batch as they were saved, None where there is no file; raises KitFailed, with that hint, for any other file."""
    try:
        first, *rest = file.read_bytes().split(b"\n", 2)
        head = msgspec.json.decode(first, type=kind)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KitFailed(f"{file} cannot be read: {error.strerror}", hint) from None
    except msgspec.DecodeError as error:
        raise no_place(file, str(error), hint) from None
    digest, batch = rest if len(rest) == 2 else (b"", b"")
    if digest != key(first + batch).encode():
        raise no_place(file, "it was cut off or changed", hint)
    return head, batch


def no_place(kept: object, why: str, hint: str) -> KitFailed:
    """Of a file, or what it is kept in, that a kit did not leave so."""
    return KitFailed(f"{kept} is no place of a kit: {why}", hint)
