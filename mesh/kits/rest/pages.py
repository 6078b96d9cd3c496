"""A source's pages in order, by the way it pages; each shows that it goes on where the one before ended, as far as that can be seen."""

from collections.abc import Callable, Iterator

from mesh.kits.delivery import KitFailed
from mesh.kits.rest.api import Api
from mesh.kits.rest.page import Page
from mesh.kits.rest.source import Paging

_MOST_BEGINNINGS = 3


def pages(api: Api, paging: Paging | None, query: dict[str, str]) -> Iterator[Page]:
    """Every page, to the last; raises KitFailed where they do not advance."""
    if paging is None:
        return iter([api.page(query)])
    ways: dict[str, Callable[[Api, Paging, dict[str, str]], Iterator[Page]]] = {
        "offset": _by_offset,
        "page": _by_number,
        "cursor": _by_next,
        "link": _by_next,
    }
    return ways[paging.by](api, paging, query)


def _by_offset(api: Api, paging: Paging, query: dict[str, str]) -> Iterator[Page]:
    """Each page begins with the last record of the one before. Where it does not, records went while they were read: it goes back."""
    at, beginnings, before = 0, 0, Page([], None)
    while True:
        page = api.page({**query, str(paging.at): str(at)})
        if at and not _shared(before, page):
            at = max(0, at - max(1, len(before.records) - 1))
            beginnings += at == 0
            if beginnings == _MOST_BEGINNINGS:
                raise KitFailed(
                    f"its pages by {paging.at} do not go on where the one before ended",
                    "ask for an order that no two records share, like $order: created_date, unique_key",
                )
            continue
        if at and len(page.records) > 1 and _same(before, page):
            raise _stuck(f"{paging.at}={at}", f"does it know the parameter {paging.at}? paging.at names another")
        yield page
        following = at + len(page.records) - 1
        if following <= at:
            return
        at, before = following, page


def _by_number(api: Api, paging: Paging, query: dict[str, str]) -> Iterator[Page]:
    """Until a page is empty."""
    at, before = paging.first, Page([], None)
    while (page := api.page({**query, str(paging.at): str(at)})).records:
        if _same(before, page):
            raise _stuck(f"{paging.at}={at}", f"does it know the parameter {paging.at}? paging.at names another")
        yield page
        at, before = at + 1, page


def _by_next(api: Api, paging: Paging, query: dict[str, str]) -> Iterator[Page]:
    """Until a page names no next one."""
    page, met = api.page(query), set[str]()
    while (following := page.next) is not None:
        yield page
        if following in met:
            if not page.records:
                return
            raise _stuck("the next page it names", "paging.next or its Link header names a page that was read already")
        met.add(following)
        page = api.page({**query, paging.at: following} if paging.at else query, None if paging.at else following)
    yield page


def _contents(page: Page) -> list[bytes]:
    return [bytes(record) for record in page.records]


def _same(one: Page, other: Page) -> bool:
    return _contents(one) == _contents(other)


def _shared(one: Page, other: Page) -> bool:
    return not set(_contents(one)).isdisjoint(_contents(other))


def _stuck(where: str, hint: str) -> KitFailed:
    return KitFailed(f"paging does not advance: {where} has the records of the page before", hint)
