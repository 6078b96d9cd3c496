"""The keys of a REST source, in a file of its own or in `sources` of `taps.yaml` -> a `RestSource`, or every problem with its place."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from mesh.kits.rest.point import point
from mesh.kits.rest.source import SINCE, Paging, RestSource, Since
from mesh.spec.compose import read_tree
from mesh.spec.keys import Keys
from mesh.spec.nodes import Path_, Tree
from mesh.spec.problems import Problem, in_order
from mesh.spec.units import duration

_MOST_RECORDS = 1_000_000
_TEXT_OR_NUMBER = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}]})


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


def _start(value: Any) -> Any:
    point(value)
    return value


def _overlap(value: Any) -> float:
    return float(value) if type(value) in (int, float) and value >= 0 else duration(value)


class PagingKeys(Keys):
    by: Literal["offset", "page", "cursor", "link"] = Field(description="How pages follow on one another", examples=["cursor"])
    at: str | None = Field(None, description="The query's parameter that says which page", examples=["after"])
    limit: str | None = Field(None, description="The query's parameter that says size", examples=["$limit"])
    size: Annotated[int, _whole(2)] = Field(1000, description="Records a page", examples=[1000])
    first: Annotated[int, _whole(0)] = Field(1, description="The number of the first page", examples=[1])
    next: str | None = Field(None, description="Where in the body the next page is named, by dots", examples=["meta.next"])


class SinceKeys(Keys):
    field: str = Field(description="The field that says when a record was made or changed: a time or a number", examples=["updated_at"])
    start: Annotated[Any, BeforeValidator(_start), _TEXT_OR_NUMBER] = Field(
        description="Where the first reading begins", examples=["2026-11-01T00:00:00Z"]
    )
    overlap: Annotated[float, BeforeValidator(_overlap), _TEXT_OR_NUMBER] = Field(
        description="How far before the last one each reading begins: a duration of times, else a number", examples=["1h"]
    )
    ordered: bool = Field(False, description="Records come by that field, ascending", examples=[True])


class RestKeys(Keys):
    url: Annotated[str, AfterValidator(_url)] = Field(
        description="The API's address, without a query", examples=["https://data.acme.example/requests.json"]
    )
    query: dict[str, str] = Field(
        {}, description="Parameters; {since} and ${NAME} in them are filled in", examples=["{$where: \"updated_at >= '{since}'\"}"]
    )
    headers: dict[str, str] = Field({}, description="Headers, ${NAME} in them too", examples=["{X-App-Token: '${CITY_TOKEN}'}"])
    records: str | None = Field(None, description="Where in the body the list of records is, by dots", examples=["data.items"])
    paging: PagingKeys | None = Field(
        None, description="How it pages; none: one page", examples=["{by: cursor, at: after, next: meta.next}"]
    )
    since: SinceKeys | None = Field(
        None, description="What is new; none: all is read each time", examples=["{field: updated_at, start: 2026-11-01, overlap: 1h}"]
    )
    per_minute: Annotated[int, _whole(1)] | None = Field(None, description="Requests a minute at most", examples=[60])


def read_source(file: Path) -> RestSource:
    """The source that a file declares; raises BadSource with all that is wrong with it."""
    from mesh.spec.validate import validate

    tree = read_tree(file)
    keys = None if tree.problems else validate(RestKeys, tree.value, tree, ())
    if keys is not None and not tree.problems:
        check_together(keys, tree, ())
    if keys is None or tree.problems:
        raise BadSource(in_order(tree.problems))
    return rest_source(keys)


def rest_source(keys: RestKeys) -> RestSource:
    """The source as a value."""
    paging = None if keys.paging is None else Paging(**keys.paging.model_dump())
    since = None if keys.since is None else Since(**keys.since.model_dump())
    return RestSource(**{**keys.model_dump(), "paging": paging, "since": since})


def check_together(source: RestKeys, tree: Tree, path: Path_) -> None:
    """Notes keys that lack one another, or contradict."""

    def say(text: str, *where: str) -> None:
        tree.say((*path, *where), text)

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
