"""A place in the account: the bookmark in SSM's Parameter Store, and what it stands on, which is larger than a parameter, in the lake.

The parameter names the lake's object by its digest, so that writing the parameter is the one moment at which the bookmark moves. Objects
are never written twice: what a killed run still puts harms nothing.
"""

import hashlib
import sqlite3
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from mesh.kits.delivery import KitFailed
from tap_runtime import FORMAT, lake
from tap_runtime.errors import Broken
from tap_runtime.format import read_back
from tap_runtime.lake import Store


class _Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """The parameter's text. `place`: the key of the SQLite database in the lake."""

    format: int = FORMAT
    point: str | None
    place: str


class Parameter:
    """The place of one source. Nobody else writes it: its function runs once at a time."""

    elsewhere = "or give the source another name in taps.yaml"

    def __init__(self, name: str, source: str, store: Store, ssm: Any) -> None:
        self._name, self._source, self._store, self._ssm = name, source, store, ssm
        self._at: str | None = None
        self.again = f"aws ssm delete-parameter --name {name} lets it begin again"

    def __str__(self) -> str:
        return f"the parameter {self._name}"

    def open(self) -> tuple[sqlite3.Connection, bool]:
        """The database in memory; raises KitFailed where the parameter names one that is not there."""
        place = sqlite3.connect(":memory:")
        if (bookmark := self._bookmark()) is not None:
            self._at = bookmark.place
            if (body := self._store.get(self._at)) is None:
                raise KitFailed(f"{self} names {self._at}, which is not in the lake", self.again)
            place.deserialize(body)
        return place, bookmark is not None

    def keep(self, place: sqlite3.Connection, point: str | None) -> None:
        """First the database, then the parameter that names it; what it named before is deleted."""
        body, before = place.serialize(), self._at
        self._at = lake.source_key(self._source, hashlib.sha256(body).hexdigest())
        if self._at == before:
            return
        self._store.put(self._at, body)
        bookmark = msgspec.json.encode(_Bookmark(point=point, place=self._at)).decode()
        self._ssm.put_parameter(Name=self._name, Value=bookmark, Type="String", Overwrite=True)
        if before is not None:
            self._store.delete([before])

    def _bookmark(self) -> _Bookmark | None:
        try:
            text = self._ssm.get_parameter(Name=self._name)["Parameter"]["Value"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ParameterNotFound":
                return None
            raise
        try:
            return read_back(text.encode(), _Bookmark, str(self))
        except Broken as broken:
            raise KitFailed(str(broken), self.again) from None
