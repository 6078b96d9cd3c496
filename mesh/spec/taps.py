"""One tap's keys -> a `Tap`: defaults merged, names looked up, schema parsed, SQL bound. Notes every problem, stops at none."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesh.spec.language import ColumnKeys, GrantKeys, TapKeys
from mesh.spec.mesh import Grant, Mark, Person, ReadGrant, Tap
from mesh.spec.nodes import Path_, Tree
from mesh.spec.problems import Problem, did_you_mean
from mesh.spec.statement import BadStatement, Binder, Bound
from mesh.spec.types import parse_column
from mesh.spec.validate import validate
from tap_runtime.schema import Column

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|\*")
_FRESHNESS_S, _AFTER_AGE_S = 300, 60


@dataclass
class Known:
    """What taps refer to, and what is noted while they are made."""

    people: Mapping[str, Person]
    teams: Mapping[str, tuple[str, ...]]
    binder: Binder
    warnings: list[Problem]
    files: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class _At:
    """A tap's place: its tree, its path, and the main file's tree, where defaults stand."""

    tree: Tree
    path: Path_
    top: Tree

    def mark(self, *where: str | int) -> Mark:
        path = (*self.path, *where)
        if path not in self.tree.marks and where and ("defaults", *where) in self.top.marks:
            return self.top.marks["defaults", *where]
        return self.tree.mark(path)

    def say(self, text: str, *where: str | int) -> None:
        self.tree.say(self.mark(*where), (*self.path, *where), text)


def make_tap(name: str, value: Any, defaults: dict[str, Any], tree: Tree, top: Tree, known: Known) -> Tap | None:
    """The tap, or None where its problems leave too little of it."""
    at = _At(tree, ("taps", name), top)
    if not isinstance(value, dict):
        at.say("expected keys and values, at least team")
        return None
    keys = validate(TapKeys, _merged(defaults, value), tree, at.path)
    if keys is None:
        return None
    columns = _columns(keys, at)
    bound = _bind(keys, columns, at, known) if columns is not None else None
    _check_words(keys, at, known)
    freshness_s = keys.freshness or max(_FRESHNESS_S, keys.thresholds.age + _AFTER_AGE_S)
    if bound is None or columns is None:
        return None
    return Tap(
        name=name,
        team=keys.team,
        about=keys.about,
        sql=bound[0],
        columns=columns,
        output=bound[1].output,
        extra=keys.extra,
        threshold_bytes=keys.thresholds.bytes,
        age_s=keys.thresholds.age,
        freshness_s=freshness_s,
        ack=keys.ack,
        retries=keys.retries,
        write=_write_grants(keys, at),
        read=_read_grants(keys, at),
        public=keys.public,
        closed=keys.closed,
        origins=tuple(keys.origins),
        memory_mb=keys.memory,
        concurrency=keys.concurrency,
        keep_days=keys.keep,
        mark=at.mark(),
    )


def _merged(defaults: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Maps merge one level, everything else is the tap's own."""
    merged = {**defaults, **value}
    for key, default in defaults.items():
        if isinstance(default, dict) and isinstance(value.get(key), dict):
            merged[key] = {**default, **value[key]}
    return merged


def _columns(keys: TapKeys, at: _At) -> tuple[Column, ...] | None:
    columns: list[Column] = []
    seen: dict[str, str] = {}
    good = True
    for name, given in keys.columns.items():
        keyed = given if isinstance(given, ColumnKeys) else ColumnKeys(type=given)
        try:
            if name.startswith("_") or not name:
                raise ValueError("names that start with _ are the mesh's own; give it another name")
            if name.lower() in seen:
                raise ValueError(f"differs from {seen[name.lower()]} only in case, which SQL does not see")
            columns.append(parse_column(name, keyed.type, keyed.epoch, keyed.about))
            seen[name.lower()] = name
        except ValueError as error:
            at.say(str(error), "schema", name)
            good = False
    return tuple(columns) if good else None


def _bind(keys: TapKeys, columns: tuple[Column, ...], at: _At, known: Known) -> tuple[str, Bound] | None:
    sql, file = keys.sql, None
    if sql.endswith(".sql") and not re.search(r"\s", sql):
        file = at.tree.file.parent / sql
        if sql.startswith("/") or ".." in Path(sql).parts:
            at.say(f"{sql}: a file below this one's folder, without ..", "sql")
            return None
        known.files.append(file)
        try:
            sql = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            at.say(f"{keys.sql}: {'not UTF-8' if isinstance(error, UnicodeDecodeError) else error.strerror}", "sql")
            return None
    sql = sql.strip().removesuffix(";")
    if not sql:
        at.say("the statement is empty; leave sql out for select * from events", "sql")
        return None
    try:
        bound = known.binder.bind(sql, columns, keys.extra == "keep")
    except BadStatement as bad:
        mark = Mark(file, bad.line, 1) if file is not None else at.mark("sql")
        at.tree.say(mark, (*at.path, "sql"), str(bad))
        return None
    if bound.reads_clock:
        text = "asks for the time of landing, which differs from try to try; _received_at is when the record came"
        known.warnings.append(Problem(Mark(file, 1, 1) if file else at.mark("sql"), ".".join(map(str, (*at.path, "sql"))), text))
    return sql, bound


def _check_words(keys: TapKeys, at: _At, known: Known) -> None:
    if keys.team not in known.teams:
        at.say(f"{keys.team} is not in teams; {did_you_mean(keys.team, known.teams)}", "team")
    everybody = {**known.people, **known.teams}
    for index, grant in enumerate(keys.grants.write):
        to = grant if isinstance(grant, str) else grant.to
        if to not in everybody:
            at.say(f"{to} is not in people or teams; {did_you_mean(to, everybody)}", "grants", "write", index)
    _check_readers(keys, at, everybody)
    for index, origin in enumerate(keys.origins):
        if not _ORIGIN.fullmatch(origin):
            at.say(f"{origin} is not an origin; expected scheme and host alone, like https://shop.acme.example", "origins", index)
    if keys.freshness is not None and keys.freshness < keys.thresholds.age + _AFTER_AGE_S:
        at.say(f"at least thresholds.age and {_AFTER_AGE_S}s more: {keys.thresholds.age + _AFTER_AGE_S}s", "freshness")
    if keys.retries == "body" and keys.ack != "stored":
        at.say("body needs ack: stored; a buffered tap cannot tell a retry", "retries")
    if not keys.thresholds.bytes:
        at.say("more than 0", "thresholds", "bytes")


def _check_readers(keys: TapKeys, at: _At, everybody: Mapping[str, object]) -> None:
    for index, reader in enumerate(keys.grants.read):
        if isinstance(reader, str):
            if reader not in everybody:
                at.say(f"{reader} is not in people or teams; {did_you_mean(reader, everybody)}", "grants", "read", index)
        elif (reader.role is None) == (reader.account is None):
            at.say("expected either role or account", "grants", "read", index)
        elif reader.account is not None and not re.fullmatch(r"\d{12}", str(reader.account)):
            at.say("an account id has 12 digits (quote it where it starts with 0)", "grants", "read", index)


def _write_grants(keys: TapKeys, at: _At) -> tuple[Grant, ...]:
    grants = (grant if isinstance(grant, GrantKeys) else GrantKeys(to=grant) for grant in keys.grants.write)
    return tuple(Grant(grant.to, grant.until, at.mark("grants", "write", index)) for index, grant in enumerate(grants))


def _read_grants(keys: TapKeys, at: _At) -> tuple[ReadGrant, ...]:
    found = []
    for index, grant in enumerate(keys.grants.read):
        mark = at.mark("grants", "read", index)
        if isinstance(grant, str):
            found.append(ReadGrant("to", grant, mark))
        elif grant.role is not None:
            found.append(ReadGrant("role", grant.role, mark))
        else:
            found.append(ReadGrant("account", str(grant.account), mark))
    return tuple(found)
