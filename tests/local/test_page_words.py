"""What the page says of what is not there, and of what it has no room for."""

import html
import re

from tests.local.conftest import RunningMesh
from tests.local.test_live_page import ask, page, url


def test_what_there_is_not_is_said_on_a_page_with_links(mesh: RunningMesh) -> None:
    mesh.start()
    assert re.findall(r'href="(/demo[^"]*)"', page(mesh)) == ["/demo", "/demo/heatmap"]
    answer = mesh.http.request("GET", url(mesh, "/?tap=nope"))
    assert (answer.status, "There is no tap nope here" in answer.data.decode()) == (404, True)
    assert re.findall(r'href="/\?tap=(\w+)"', answer.data.decode()) == ["buffered", "stored", "closed_club"]
    answer = mesh.http.request("GET", url(mesh, "/nowhere"), headers={"accept": "text/html,*/*"})
    assert (answer.status, "There is no such page here" in answer.data.decode()) == (404, True)
    assert mesh.http.request("GET", url(mesh, "/nowhere")).json()["error"] == "no_such_page"


def test_reasons_past_those_shown_are_counted_with_the_query_to_see_them(mesh: RunningMesh) -> None:
    mesh.start()
    of_n = [f'{{"id":"a","n":{value}}}' for value in ('"x"', "1.5", "true", "{}", "[]")]
    of_id = [f'{{"id":{value}}}' for value in ("1", "1.5", "true", "{}", "[]")]
    mesh.post("buffered", "\n".join([*of_n, *of_id, "{}"]).encode())
    mesh.wait_for(lambda: "3 more reasons: query them all" in page(mesh), "the landing")
    asked = html.unescape(re.search(r'data-sql="([^"]*)">3 more', page(mesh))[1])  # type: ignore[index]
    rows = ask(mesh, "/live/query", {"sql": asked}).json()["rows"]
    assert (len(rows), sum(int(lines) for _, lines in rows)) == (11, 11)
