"""One tap's keys -> a `Tap`: defaults merged, names looked up, schema parsed, SQL bound. Notes every problem, stops at none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesh.spec.language import ColumnKeys, TapKeys
from mesh.spec.mesh import Mark, Person, Tap
from mesh.spec.names import AFTER_AGE_S, check_names, check_together, read_grants, write_grants
from mesh.spec.nodes import At, dotted
from mesh.spec.problems import Problem
from mesh.spec.statement import Asked, BadStatement, Bound, bind_all, without_end
from mesh.spec.types import UNREAD, parse_column
from mesh.spec.validate import FAULTY, validate
from mesh.spec.words import keys_of
from tap_runtime.schema import Column

_FRESHNESS_S = 300


@dataclass
class Known:
    """What taps refer to, and what is noted while they are made."""

    people: Mapping[str, Person]
    teams: Mapping[str, Mapping[str, Mark]]
    warnings: list[Problem] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Draft:
    """A tap of which all but the statement's binding is known; `file` where the statement stands in one.

    Of a schema that is not `whole` the columns that could not be read are UNREAD, or missing where it is no map at all.
    """

    at: At
    keys: TapKeys
    columns: tuple[Column, ...]
    whole: bool
    sql: str
    file: Path | None

    def sql_mark(self, line: int = 1, column: int = 1) -> Mark:
        """Where in the statement that is; inline statements are marked as a whole."""
        return self.at.mark("sql") if self.file is None else Mark(self.file, line, column)

    def is_sure(self, bad: BadStatement) -> bool:
        """Whether the statement is bad whatever stands in the schema once that is mended."""
        text = str(bad)
        return self.whole or not text.startswith("Binder Error") or (bool(self.columns) and text.startswith("Binder Error: Referenced "))


def make_taps(drafts: Sequence[Draft], known: Known) -> dict[str, Tap]:
    """Binds all statements at once; the taps whose statement is good."""
    taps: dict[str, Tap] = {}
    asked = [Asked(draft.sql, draft.columns, draft.keys.extra == "keep") for draft in drafts]
    for draft, bound in zip(drafts, bind_all(asked), strict=True):
        if isinstance(bound, BadStatement):
            if draft.is_sure(bound):
                draft.at.tree.say((*draft.at.path, "sql"), str(bound), draft.sql_mark(bound.line, bound.column))
            continue
        if bound.reads_clock:
            text = "asks for the time of landing, which differs from try to try; _received_at is when the record came"
            known.warnings.append(Problem(draft.sql_mark(), dotted((*draft.at.path, "sql")), text))
        taps[str(draft.at.path[-1])] = _tap(draft, bound)
    return taps


def draft_tap(value: Any, defaults: dict[str, Any], at: At, known: Known) -> Draft | None:
    """The tap so far, or None where its problems leave too little of it."""
    if not isinstance(value, dict):
        name = str(at.path[-1])
        meant = f"; {name} is a key of a tap: indent it by more than the tap's name" if name in keys_of(TapKeys) else ""
        at.say(f"expected keys and values, at least team{meant}")
        return None
    keys = validate(TapKeys, _merged(defaults, value), at.tree, at.path)
    if keys is None:
        return None
    check_names(keys, at, known.people, known.teams)
    check_together(keys, at)
    if keys.public and keys.grants.write:
        text = "no token is asked, so grants.write changes nothing"
        known.warnings.append(Problem(at.mark("public"), dotted((*at.path, "public")), text))
    columns, whole = _columns(keys, at)
    written = _statement(keys, at, known)
    return Draft(at, keys, columns, whole, *written) if written is not None else None


def _tap(draft: Draft, bound: Bound) -> Tap:
    keys, at = draft.keys, draft.at
    return Tap(
        name=str(at.path[-1]),
        team=keys.team,
        about=keys.about,
        sql=draft.sql,
        columns=draft.columns,
        output=bound.output,
        extra=keys.extra,
        threshold_bytes=keys.thresholds.bytes,
        age_s=keys.thresholds.age,
        freshness_s=keys.freshness or max(_FRESHNESS_S, keys.thresholds.age + AFTER_AGE_S),
        ack=keys.ack,
        retries=keys.retries,
        write=write_grants(keys, at),
        read=read_grants(keys, at),
        public=keys.public,
        closed=keys.closed,
        origins=tuple(keys.origins),
        memory_mb=keys.memory,
        concurrency=keys.concurrency,
        keep_days=keys.keep,
        mark=at.mark(),
        team_mark=at.mark("team"),
        public_mark=at.mark("public"),
    )


def _merged(defaults: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Maps merge one level, everything else is the tap's own."""
    merged = {**defaults, **value}
    for key, default in defaults.items():
        if isinstance(default, dict) and isinstance(value.get(key), dict):
            merged[key] = {**default, **value[key]}
    return merged


def _columns(keys: TapKeys, at: At) -> tuple[tuple[Column, ...], bool]:
    """The schema's columns, and whether they are all that it declares."""
    columns: dict[str, Column] = {}
    whole = True
    for name, given in keys.columns.items():
        try:
            columns[name.lower()] = _column(name, given, columns)
        except ValueError as error:
            whole = False
            if str(error):
                at.say(str(error), "schema", name)
            if name.strip(FAULTY):
                columns.setdefault(name.lower(), Column(name, UNREAD))
    return tuple(columns.values()), whole


def _column(name: str, given: str | ColumnKeys, others: Mapping[str, Column]) -> Column:
    """The declared column; raises ValueError in words, without any where they were said before."""
    kind, epoch, about = (given.type, given.epoch, given.about) if isinstance(given, ColumnKeys) else (given, None, None)
    if name == FAULTY:
        raise ValueError
    if name.startswith("_") or not name:
        raise ValueError("names that start with _ are the mesh's own; give it another name" if name else "a column needs a name")
    if name.lower() in others:
        raise ValueError(f"differs from {others[name.lower()].name} only in case, which SQL does not see")
    if kind == FAULTY:
        raise ValueError
    return parse_column(name, kind, epoch, about)


def _statement(keys: TapKeys, at: At, known: Known) -> tuple[str, Path | None] | None:
    sql, file = keys.sql, None
    if sql == FAULTY:
        return None
    if sql.endswith(".sql") and not re.search(r"\s", sql):
        if sql.startswith("/") or ".." in Path(sql).parts:
            at.say(f"expected a file below this one's folder, without .., got {sql}", "sql")
            return None
        file = at.mark("sql").file.parent / sql
        known.files.append(file)
        try:
            sql = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            at.say(f"{sql}: {'not UTF-8; save the file as UTF-8' if isinstance(error, UnicodeDecodeError) else error.strerror}", "sql")
            return None
    sql = without_end(sql)
    if not sql:
        at.say("the statement is empty; leave sql out for select * from events", "sql")
        return None
    return sql, file
