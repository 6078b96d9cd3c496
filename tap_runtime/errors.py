"""What stops a request or a landing, in words. A `Refused` is an HTTP answer; the others never reach a sender."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refused(Exception):
    """An answer other than 200. Message and hint never hold the payload or a secret."""

    status: int
    code: str
    message: str
    hint: str
    retry_after_s: int | None = None


class LakeDown(Exception):
    """The store could not be reached or refused us; the same call may succeed later."""


class SettingsGone(Exception):
    """The lake has no such settings object; its batches wait until it is put back."""


class DiskFull(LakeDown):
    """The disk of a lake that is a folder, or of the spool, is full; the message names the folder."""


class SpoolFull(Exception):
    """The spool cannot be written, or its configured limit is reached; nothing of this request was kept."""


class Broken(Exception):
    """An object in the lake, or a file of the spool, is not as tapmesh wrote it."""


class NewerFormat(Exception):
    """Something was written by a newer tapmesh than this one, which must not guess at it."""


class SqlRefused(Exception):
    """The statement is not one SELECT over `events`, or reaches for what the sandbox denies; `at`: the byte of it where it does."""

    def __init__(self, why: str, at: int = 0) -> None:
        super().__init__(why)
        self.at = at
