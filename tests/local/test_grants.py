"""Grants on the laptop mesh: who is let in, keys that rotate under load, rights that end."""

import datetime as dt
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3

from mesh.grants.keys import laptop_keyring
from mesh.grants.tokens import issue
from mesh.local.workspace import STACK, beside
from mesh.spec import load
from tests.grants.matrix import SECRET, cases
from tests.local.conftest import RunningMesh

ROOT = Path(__file__).parents[2]
TAPS = """\
version: 1
mesh: test
people: {lead: {email: lead@acme.example}, partner: {email: partner@example.org}}
teams: {growth: [lead]}
defaults: {team: growth, thresholds: {age: 2s}, schema: {id: VARCHAR NOT NULL}}
taps:
  clicks: {grants: {write: [partner]}}
  orders: {}
"""


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[RunningMesh]:
    running = RunningMesh(tmp_path, TAPS)
    yield running
    if running.process is not None:
        running.process.kill()
        running.process.wait()


def test_the_example_mesh_lets_in_exactly_whom_who_can_names(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    mesh = RunningMesh(tmp_path, (ROOT / "taps.yaml").read_text())
    mesh.start()
    try:
        kept = mesh.run("keys", "boilingdata", stdin=SECRET)
        assert kept.returncode == 0, kept.stderr
        mesh.wait_for(lambda: "the keys changed" in mesh.log.read_text(), "the secret to be taken")
        declared = load(mesh.file).mesh
        assert declared is not None
        found = list(cases(declared, STACK, laptop_keyring(beside(mesh.file).keys), dt.datetime.now(dt.UTC)))
        statuses = {(case.tap, case.what): _status(mesh, case.tap, case.token) for case in found}
        assert {status == 200 for status in statuses.values()} == {True, False}
        wrong = {case: statuses[case.tap, case.what] for case in found if (statuses[case.tap, case.what] == 200) != case.allowed}
        assert wrong == {}
        assert set(statuses.values()) == {200, 401, 403}
        assert len(found) > 150
        log = mesh.log.read_text()
        assert [case.what for case in found if case.token is not None and case.token in log] == []
        assert SECRET not in log
    finally:
        mesh.stop()


def test_a_secret_that_came_while_the_lake_could_not_be_written_is_taken_once_it_can(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    mesh = RunningMesh(tmp_path, (ROOT / "taps.yaml").read_text())
    mesh.start()
    try:
        settings = tmp_path / ".mesh/lake/_mesh/settings"
        settings.rename(tmp_path / "aside")
        settings.write_text("in the way")
        assert mesh.run("keys", "boilingdata", stdin=SECRET).returncode == 0
        mesh.wait_for(lambda: "not taken yet" in mesh.log.read_text(), "the trouble")
        settings.unlink()
        (tmp_path / "aside").rename(settings)
        mesh.wait_for(lambda: "reloaded: the keys changed" in mesh.log.read_text(), "the secret to be taken")
    finally:
        mesh.stop()


def test_a_token_counts_in_the_header_alone_once_and_in_any_case(mesh: RunningMesh) -> None:
    mesh.start()
    token = mesh.run("token", "--as", "lead", "--tap", "clicks").stdout.strip()
    url = f"http://127.0.0.1:{mesh.port}/taps/clicks"
    for query in (f"token={token}", f"x-bd-authorization={token}", f"authorization=Bearer%20{token}", f"access_token={token}"):
        answer = mesh.http.request("POST", f"{url}?{query}", body=b"").json()
        assert (answer["statusCode"], answer["error"], token in str(answer)) == (401, "no_token", False)
        assert "never into the URL" in answer["hint"]
    twice = urllib3.HTTPHeaderDict([("x-bd-authorization", token), ("x-bd-authorization", token)])
    assert mesh.http.request("POST", url, body=b"", headers=twice).json()["error"] == "bad_token"
    assert mesh.http.request("POST", url, body=b"", headers={"X-Bd-AUTHORIZATION": token}).status == 200
    assert mesh.http.request("POST", url, body=b"", headers={"AUTHORIZATION": f"bearer {token}"}).status == 200
    assert mesh.http.request("POST", url, body=b"", headers={"x-bd-authorization": f"{token}\xe9"}).json()["error"] == "bad_token"
    assert token not in mesh.log.read_text()


def _status(mesh: RunningMesh, tap: str, token: str | None) -> int:
    return mesh.post(tap, b"", **({} if token is None else {"x_bd_authorization": token}))[0]


def test_no_post_is_refused_over_three_rotations(mesh: RunningMesh) -> None:
    mesh.start()
    answers: Counter[int] = Counter()
    done = threading.Event()
    sender = threading.Thread(target=_send, args=(mesh, answers, done))
    sender.start()
    kids = [laptop_keyring(beside(mesh.file).keys).signing.kid]
    try:
        for _ in range(3):
            for action in ("new", "rotate"):
                _heard(mesh, "keys", action)
            sent = answers.total()
            mesh.wait_for(lambda before=sent: answers.total() > before + 250, "tokens of the new key", within_s=120)
            _heard(mesh, "keys", "retire")
            kids.append(laptop_keyring(beside(mesh.file).keys).signing.kid)
        mesh.wait_for(lambda: answers.total() >= 10_000, "10,000 posts", within_s=240)
    finally:
        done.set()
        sender.join(60)
    assert (set(answers), len(set(kids))) == ({200}, 4)
    old = mesh.run("token", "--as", "lead", "--tap", "clicks").stdout.strip()
    for action in ("new", "rotate", "retire"):
        _heard(mesh, "keys", action)
    assert _status(mesh, "clicks", old) == 401
    mesh.stop()
    assert mesh.query("select sum(accepted)::int as accepted from _senders") == [{"accepted": answers[200]}]


def test_a_key_is_retired_though_the_file_is_broken(mesh: RunningMesh) -> None:
    mesh.start()
    good = mesh.file.read_text()
    old = mesh.run("token", "--as", "lead", "--tap", "clicks").stdout.strip()
    for action in ("new", "rotate"):
        _heard(mesh, "keys", action)
    assert "reloaded: the keys changed, no tap did\n" in mesh.log.read_text()
    mesh.file.write_text(good.replace("team: growth", "team: grwth"))
    mesh.wait_for(lambda: "did you mean growth?" in mesh.log.read_text(), "the problem to be said")
    assert _status(mesh, "clicks", old) == 200
    _heard(mesh, "keys", "retire")
    assert _status(mesh, "clicks", old) == 401
    mesh.file.write_text(good)
    assert mesh.run("token", "--as", "lead", "--tap", "clicks").returncode == 0


def _heard(mesh: RunningMesh, *words: str) -> None:
    """A command on the keys, and the running mesh has heard of it."""
    before = mesh.log.read_text().count("reloaded: ")
    ran = mesh.run(*words)
    assert ran.returncode == 0, ran.stderr
    mesh.wait_for(lambda: mesh.log.read_text().count("reloaded: ") > before, f"the mesh to hear of {' '.join(words)}", within_s=60)


def _send(mesh: RunningMesh, answers: Counter[int], done: threading.Event) -> None:
    """Posts on one connection, with a new token every hundred posts."""
    pool = urllib3.HTTPConnectionPool("127.0.0.1", mesh.port, maxsize=1, retries=False, timeout=60)
    token = ""
    while not done.is_set():
        if answers.total() % 100 == 0:
            signing = laptop_keyring(beside(mesh.file).keys).signing
            token = issue(signing, "test/laptop", "lead", ("clicks",), dt.timedelta(minutes=5), dt.datetime.now(dt.UTC))
        answer = pool.request("POST", "/taps/clicks", body=b'{"id":"a"}\n', headers={"x-bd-authorization": token})
        answers[answer.status] += 1


REVOKED = {"a grant": ("grants: {write: [partner]}", ""), "a member": ("growth: [lead]", "growth: []")}


@pytest.mark.parametrize("what", REVOKED)
def test_a_right_ends_seconds_after_the_save_and_what_was_accepted_lands(
    mesh: RunningMesh, record_property: Callable[[str, object], None], what: str
) -> None:
    mesh.file.write_text(TAPS.replace("age: 2s", "age: 300s"))
    mesh.start()
    who = "partner" if what == "a grant" else "lead"
    token = mesh.run("token", "--as", who, "--tap", "clicks").stdout.strip()
    assert mesh.post("clicks", b'{"id":"before"}\n', x_bd_authorization=token)[0] == 200
    mesh.file.write_text(mesh.file.read_text().replace(*REVOKED[what]))
    saved = time.monotonic()
    mesh.wait_for(lambda: mesh.post("clicks", b'{"id":"after"}\n', x_bd_authorization=token)[0] == 403, "the refusal")
    record_property("refused_after_s", round(time.monotonic() - saved, 1))
    status, refused = mesh.post("clicks", b'{"id":"after"}\n', x_bd_authorization=token)
    assert (status, refused["message"]) == (403, f"{who} may not write to clicks")
    mesh.wait_for(lambda: mesh.query("select sender, accepted from _senders where accepted > 0") != [], "what was accepted to land")
    assert mesh.query("select distinct sender from _senders") == [{"sender": who}]
    assert "before" in {row["id"] for row in mesh.query("select id from clicks")}
