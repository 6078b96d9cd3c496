"""A REST source as its file declares it: address, paging, and what of it is new. Read as `taps.yaml` is, every problem with its place."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from mesh.kits.delivery import KitFailed
from mesh.kits.rest.point import Point, point
from mesh.spec.compose import read_tree
from mesh.spec.language import Keys
from mesh.spec.nodes import Tree
from mesh.spec.problems import Problem, in_order
from mesh.spec.units import duration
from mesh.spec.validate import validate
from tap_runtime.settings import environment

SINCE = "{since}"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_MOST_RECORDS = 1_000_000


class BadSource(Exception):
    """The file cannot be used; its problems, in order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def _whole(low: int) -> BeforeValidator:
    def check(value: Any) -> Any:
        if type(value) is not int or not low <= value <= _MOST_RECORDS:
            raise ValueError(f"expected a whole number from {low} to {_MOST_RECORDS}")
        return value

    return BeforeValidator(check)


def _url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
        raise ValueError("expected http:// or https://, a host and a path; what follows a ? goes into query")
    return value


def _overlap(value: Any) -> float:
    return float(value) if type(value) in (int, float) and value >= 0 else duration(value)


class Paging(Keys):
    """`at`: the parameter that says which page; `next`: where in the body the next page is named, by dots."""

    by: Literal["offset", "page", "cursor", "link"]
    at: str | None = None
    limit: str | None = None
    size: Annotated[int, _whole(2)] = 1000
    first: Annotated[int, _whole(0)] = 1
    next: str | None = None


class Since(Keys):
    """`overlap`: seconds of a time, else a difference of the field's numbers. `ordered`: the records come by the field, ascending."""

    field: str
    start: Annotated[Point, BeforeValidator(point)]
    overlap: Annotated[float, BeforeValidator(_overlap)]
    ordered: bool = False


class RestSource(Keys):
    """One source. `records`: where in the body they are, by dots; without it the body is the list."""

    url: Annotated[str, AfterValidator(_url)]
    query: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    records: str | None = None
    paging: Paging | None = None
    since: Since | None = None
    per_minute: Annotated[int, _whole(1)] | None = None

    def asked(self, since: Point | None) -> dict[str, str]:
        """The query from that point on; raises KitFailed where a variable in it is not set."""
        return {name: _filled(value.replace(SINCE, since.text if since else ""), f"query.{name}") for name, value in self.query.items()} | (
            {self.paging.limit: str(self.paging.size)} if self.paging and self.paging.limit else {}
        )

    def sent_headers(self) -> dict[str, str]:
        """The headers; raises KitFailed where a variable in them is not set."""
        return {name: _filled(value, f"headers.{name}") for name, value in self.headers.items()}


def read_source(file: Path) -> RestSource:
    """The source; raises BadSource with all that is wrong with it."""
    tree = read_tree(file)
    source = None if tree.problems else validate(RestSource, tree.value, tree, ())
    if source is not None and not tree.problems:
        _check_together(source, tree)
    if source is None or tree.problems:
        raise BadSource(in_order(tree.problems))
    return source


def _check_together(source: RestSource, tree: Tree) -> None:
    def say(text: str, *path: str) -> None:
        tree.say(path, text)

    asks = [name for name, value in source.query.items() if SINCE in value]
    if source.since and not asks:
        say(f"no value of query has {SINCE} in it, so the source would be read whole each time; put it there, or leave since out", "since")
    if asks and not source.since:
        say(f"{SINCE} is filled in from since: {{field: …, start: …}}, which is missing", "query", asks[0])
    if (paging := source.paging) is not None:
        if paging.by in ("offset", "page") and paging.at is None:
            say(f"by: {paging.by} needs at: the name of the query's parameter", "paging")
        if paging.by == "cursor" and paging.next is None:
            say("by: cursor needs next: where in the body the next page is named, like meta.next", "paging")
        for key in ("at", "next") if paging.by == "link" else ("next",) if paging.by != "cursor" else ():
            if getattr(paging, key) is not None:
                say(f"means nothing with by: {paging.by}; leave it out", "paging", key)


def _filled(text: str, place: str) -> str:
    def value(variable: re.Match[str]) -> str:
        if (found := environment(variable[1])) is None:
            raise KitFailed(f"{place} names ${{{variable[1]}}}, which is not set", f"export {variable[1]}=…")
        return found

    return _VARIABLE.sub(value, text)
