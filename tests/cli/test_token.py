"""`tapmesh token` and `tapmesh keys`: a token alone on standard output or nothing, and what is said of one."""

import io
import json
import sys
import time
from pathlib import Path

import jwt
import pytest

from tests.cli.conftest import TAPS, Ask


@pytest.fixture
def mesh(here: Path) -> Path:
    private = TAPS.replace("public: true, ", "") + "\ntokens: {longest: 7d}\nboilingdata: {owner: lead@acme.example}\n"
    private = private.replace("partner@example.org}", "partner@example.org, boilingdata: partner}")
    private = private.replace("clicks: {", "clicks: {grants: {write: [partner]}, ")
    (here / "taps.yaml").write_text(private)
    return here


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> object:
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_problems_of_the_file_never_end_up_in_a_variable(mesh: Path, ask: Ask) -> None:
    (mesh / "taps.yaml").write_text(TAPS.replace("version: 1", "version: 2"))
    said = ask("token", "--as", "lead", "--tap", "clicks")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("taps.yaml:2:1 version: expected 1, got 2\nerror: taps.yaml has 1 problem\n")


def test_a_folder_that_cannot_be_written_is_said_in_words(mesh: Path, ask: Ask) -> None:
    (mesh / ".mesh").write_text("in the way")
    for words in (("token", "--as", "lead", "--tap", "clicks"), ("keys", "list"), ("keys", "new"), ("dev",)):
        said = ask(*words)
        assert (said.code, said.out) == (1, ""), words
        assert "Not a directory" in said.err and "error: NotADirectoryError" not in said.err or words == ("dev",)


def test_a_token_lives_no_longer_than_the_mesh_allows(mesh: Path, ask: Ask) -> None:
    said = ask("token", "--as", "lead", "--tap", "clicks", "--for", "8d")
    assert (said.code, said.out) == (2, "")
    assert "--for 8d: longer than this mesh lets a token live" in said.err
    assert "hint: at most 7d, as tokens.longest in taps.yaml says" in said.err
    assert ask("token", "--as", "lead", "--tap", "clicks", "--for", "7d").code == 0


def test_a_good_token_is_explained(mesh: Path, ask: Ask, typed) -> None:  # type: ignore[no-untyped-def]
    token = ask("token", "--as", "partner", "--tap", "clicks").out
    typed(token)
    said = ask("token", "--inspect")
    assert said.code == 0
    assert [line.split()[:2] for line in said.out.splitlines()] == [
        ["kind:", "mesh"],
        ["who:", "partner"],
        ["for:", "clicks"],
        ["by:", "test/laptop,"],
        ["made:", said.out.split("made:")[1].split()[0]],
        ["until:", said.out.split("until:")[1].split()[0]],
        ["clicks:", "accepted"],
    ]
    found = json.loads(ask("token", token.strip(), "--inspect", "--json").out)
    assert (found["person"], found["taps"]) == ("partner", [{"accepted": True, "tap": "clicks", "refused": None, "hint": ""}])
    assert token.strip().rpartition(".")[2] not in said.out + json.dumps(found)


def test_what_would_be_refused_is_said_with_the_reason(mesh: Path, ask: Ask) -> None:
    token = ask("token", "--as", "partner", "--tap", "clicks", "--tap", "orders").out.strip()
    said = ask("token", "--inspect", token)
    assert (said.code, "clicks: accepted\norders: 403 not_granted: partner may no longer write to orders" in said.out) == (1, True)
    (mesh / ".mesh" / "keys" / "signing.pem").unlink()
    said = ask("token", "--inspect", token)
    assert "clicks: 401 bad_token: the token is not accepted: it was signed with a key this tap does not know" in said.out
    assert ask("token", "--inspect", "nonsense").err.startswith("error: the token would not be accepted: it is not a JWT\n")


def test_a_boilingdata_token_is_explained(mesh: Path, ask: Ask, typed) -> None:  # type: ignore[no-untyped-def]
    secret, now = "the-tap-master-secret-of-lead".ljust(64, "!"), 1_900_000_000
    token = jwt.encode({"aud": ["partner", "partner@example.org", ""], "iat": now - 7200, "exp": now}, secret, "HS256")
    assert "clicks: 401 bad_token: the token is not accepted: it is signed as a BoilingData" in ask("token", "--inspect", token).out
    typed(secret)
    assert ask("keys", "boilingdata").code == 0
    said = ask("token", "--inspect", token)
    assert "kind:   BoilingData tap token\nwho:    partner partner@example.org\n" in said.out
    assert "clicks: 401 bad_token: the token is not accepted: it is not good yet" in said.out
    assert secret not in said.out + said.err
    now_s = int(time.time())
    good = jwt.encode(
        {"aud": ["partner", "partner@example.org", "lead@acme.example"], "iat": now_s - 60, "exp": now_s + 3600}, secret, "HS256"
    )
    said = ask("token", "--inspect", good)
    assert (said.code, "\nfor:    what lead@acme.example shared with them\n" in said.out, "\nclicks: accepted\n" in said.out) == (
        0,
        True,
        True,
    )
    assert ask("token", "--inspect", good, "--tap", "orders").code == 1


def test_keys_rotate_while_tokens_of_both_are_good(mesh: Path, ask: Ask) -> None:
    old = ask("token", "--as", "lead", "--tap", "clicks").out.strip()
    for action in ("new", "rotate"):
        assert ask("keys", action).code == 0
        assert ask("token", "--inspect", old).code == 0
    new = ask("token", "--as", "lead", "--tap", "clicks").out.strip()
    assert ask("keys", "retire").code == 0
    assert (ask("token", "--inspect", new).code, ask("token", "--inspect", old).code) == (0, 1)
    assert [key["signs"] for key in json.loads(ask("keys", "list", "--json").out)] == [True]
    assert "there is one key only" in ask("keys", "retire").err


def test_a_stacks_keys_go_through_its_configuration(mesh: Path, ask: Ask, typed) -> None:  # type: ignore[no-untyped-def]
    typed("")
    first = ask("keys", "new", "--stdin").out
    typed(first)
    both = ask("keys", "new", "--stdin").out
    typed(both)
    (mesh / "turned").write_text(ask("keys", "rotate", "--stdin").out)
    token = ask("token", "--as", "lead", "--tap", "clicks", "--stack", "prod", "--keys", "turned").out.strip()
    assert jwt.decode(token, options={"verify_signature": False})["iss"] == "test/prod"
    assert ask("token", "--inspect", token, "--stack", "prod", "--keys", "turned").code == 0
    assert ask("token", "--inspect", token).code == 1
    command = ask("keys", "rotate", "--stack", "prod").out
    assert command.startswith(
        "KEYS=$(set -o pipefail; pulumi config get tapmesh:signing-key --stack prod | tapmesh keys rotate --stdin) && "
    )
    assert "--stack and --keys go together" in ask("token", "--as", "lead", "--tap", "clicks", "--stack", "prod").err
    typed("nonsense")
    assert ask("keys", "list", "--stdin").code == 2
