"""Everything that goes wrong has one shape: `error: …` on stderr, mostly a hint, the listed exit code, never a traceback."""

import re
from pathlib import Path

import duckdb
import pytest

from tap_runtime import lake
from tap_runtime.settings import OutputColumn
from tests.cli.conftest import TAPS, Ask
from tests.tap_runtime.local_tap import LocalTap, settings

WRONG = [
    # words, exit code, what it says, what it advises
    ("snd", 2, "no such command 'snd'", "tapmesh --help"),
    ("-x", 2, "no such option: -x", "tapmesh --help"),
    ("check --fil taps.yaml", 2, "no such option: --fil", "tapmesh check --help"),
    ("check more", 2, "unexpected extra argument", "tapmesh check --help"),
    ("check --file", 2, "option '--file' requires an argument", "tapmesh --help"),
    ("check --debug", 2, "no such option: --debug", "--debug stands before the command"),
    ("check --file nowhere.yaml", 2, "nowhere.yaml: no such file", "tapmesh init"),
    ("check --file folder", 2, "folder is a folder", "--file PATH"),
    ("check --file mesh", 2, "mesh is a folder", "--file mesh/taps.yaml"),
    ("schema --file nowhere.yaml", 2, "nowhere.yaml: no such file", "--file"),
    ("schema more", 2, "unexpected extra argument", "tapmesh schema --help"),
    ("dev --port 70000", 2, "invalid value for '--port'", "tapmesh dev --help"),
    ("dev --port many", 2, "invalid value for '--port'", "tapmesh dev --help"),
    ("dev --file nowhere.yaml", 2, "nowhere.yaml: no such file", "tapmesh init"),
    ("dev --file broken.yaml", 2, "broken.yaml has 1 problem", "each line above"),
    ("token", 2, "missing option '--as'", "tapmesh token --help"),
    ("token --as lead", 2, "missing option '--tap'", "tapmesh token --help"),
    ("token --as laed --tap clicks", 2, "--as laed: not in people", "did you mean lead?"),
    ("token --as growth --tap clicks", 2, "growth is a team", "allowed: lead, partner"),
    ("token --as lead --tap click", 2, "--tap click: no such tap", "did you mean clicks?"),
    ("token --as lead --tap clicks --for 1w", 2, "--for 1w: not a duration", "30m, 24h or 7d"),
    ("token --as lead --tap clicks --file broken.yaml", 2, "broken.yaml has 1 problem", "each line above"),
    ("send", 2, "missing argument 'FILE'", "tapmesh send --help"),
    ("send data.ndjson", 2, "missing option '--to'", "tapmesh send --help"),
    ("send data.ndjson --to click", 2, "--to click: no such tap in taps.yaml", "did you mean clicks?"),
    ("send data.ndjson --to visits", 2, "--to visits: no such tap in taps.yaml", "allowed: clicks, orders"),
    ("send nowhere.ndjson --to clicks", 2, "nowhere.ndjson: No such file", "newline-delimited JSON"),
    ("send folder --to clicks", 2, "folder: Is a directory", "newline-delimited JSON"),
    ("send packed.gz --to clicks", 2, "packed.gz is gzip", "gzip -dc packed.gz | tapmesh send -"),
    ("send data.ndjson --to clicks --url 127.0.0.1:8900", 2, "127.0.0.1:8900 is not a tap's URL", "http://"),
    ("kit fluent-bit --tap clicks --url http://tap:99999/x", 2, "http://tap:99999/x is not a tap's URL", "http://"),
    ("kit fluent-bit --tap clicks --url http://[::1", 2, "http://[::1 is not a tap's URL", "http://"),
    ("kit syslog-ng --tap clicks --url https://", 2, "https:// is not a tap's URL", "http://"),
    ("kit collectd --tap click", 2, "--tap click: no such tap in taps.yaml", "did you mean clicks?"),
    (
        "send data.ndjson --to clicks --url http://127.0.0.1:9/taps/clicks --tries 1",
        1,
        "cannot be reached: Connection refused",
        "tapmesh dev",
    ),
    ("send data.ndjson --to clicks --url http:///clicks", 2, "http:///clicks is not a tap's URL", "http://"),
    ("send data.ndjson --to clicks --tries 0", 2, "invalid value for '--tries'", "tapmesh send --help"),
    ("send - --to clicks --from-line 2", 2, "--from-line is for a file", "tail -n +2 FILE | tapmesh send -"),
    ("send data.ndjson --to clicks --from-line 2", 2, "--from-line 2: data.ndjson has no such line", "from 1"),
    ("send data.ndjson --to clicks --url http://nowhere.invalid/taps/clicks --tries 1", 1, "host's name is not known", "--url"),
    ("init /proc/nothing", 1, "/proc/nothing: No such file or directory", "tapmesh --debug init"),
    ("kit", 2, "missing command", "tapmesh kit --help"),
    ("kit nothing", 2, "no such command 'nothing'", "tapmesh kit --help"),
    ("query", 2, "missing argument 'SQL'", "tapmesh query --help"),
    ("query from_clicks", 1, "there is no lake here yet", ""),
    ("query from_clicks --lake s3://", 1, "s3://: a lake is a folder or s3://bucket", ""),
    ("query from_clicks --lake gs://acme-lake", 1, "gs://acme-lake: a lake is a folder or s3://bucket", ""),
    ("query from_clicks --format csv --limit 3", 2, "--limit is for tables, not csv", "write LIMIT into the statement"),
    ("query from_clicks --file nowhere.yaml", 2, "nowhere.yaml: no such file", "name a lake with --lake"),
    ("trace 20261123T215500Z-00112233445566778899aabbccddeeff-1 --file nowhere.yaml", 2, "nowhere.yaml: no such file", "--lake"),
    ("status --file nowhere.yaml", 2, "nowhere.yaml: no such file", "tapmesh init"),
    ("query from_clicks --format xml", 2, "invalid value for '--format'", "tapmesh query --help"),
    ("query from_clicks --lake nowhere", 1, "nowhere: there is no lake here yet", ""),
    ("query 1 --as nobody", 2, "nobody: no such person or team", "allowed: growth, lead, partner"),
    ("who-can eat clicks", 2, "invalid value for", "tapmesh who-can --help"),
    ("who-can write click", 2, "click: no such tap", "did you mean clicks?"),
    ("who-can write clicks --on friday", 2, "--on friday: not a day", "like 2027-04-01"),
    ("what-can laed", 2, "laed: no such person or team", "did you mean lead?"),
    ("trace", 2, "missing argument 'RECEIPT'", "tapmesh trace --help"),
    ("trace nonsense --lake folder", 2, "nonsense: not a receipt", "<batch>-<request>"),
    ("trace 20261123T215500Z-0-1 --lake folder", 2, "not a receipt", "<batch>-<request>"),
    ("trace 20261123T215500Z-00112233445566778899aabbccddeeff-1", 1, "there is no lake here yet", ""),
    ("status", 1, "there is no lake here yet", ""),
    ("status more", 2, "unexpected extra argument", "tapmesh status --help"),
    ("status --lake nowhere", 1, "nowhere: there is no lake here yet", ""),
    ("init .", 2, ". has taps.yaml already; nothing was written", "tapmesh init my-mesh"),
    ("init new --name Shop", 2, "--name Shop: not a mesh's name", "at most 15 characters"),
    ("init data.ndjson", 1, "data.ndjson", "a file stands where a folder is needed"),
    ("init new more", 2, "unexpected extra argument", "tapmesh init --help"),
]


@pytest.fixture
def folder(here: Path) -> Path:
    (here / "taps.yaml").write_text(TAPS)
    (here / "broken.yaml").write_text(TAPS.replace("version: 1", "version: 2"))
    (here / "data.ndjson").write_text('{"id":"a"}\n')
    (here / "packed.gz").write_bytes(b"\x1f\x8b\x08")
    (here / "folder").mkdir()
    (here / "mesh").mkdir()
    (here / "mesh/taps.yaml").write_text(TAPS)
    return here


@pytest.mark.parametrize(("words", "code", "what", "hint"), WRONG, ids=[words for words, *_ in WRONG])
def test_what_is_wrong_is_said_in_one_shape(folder: Path, ask: Ask, words: str, code: int, what: str, hint: str) -> None:
    said = ask(*words.split())
    assert said.code == code, said
    error = re.search(r"^error: (.*)$", said.err, re.MULTILINE)
    assert error is not None
    assert what in error[1], said
    advised = re.search(r"^hint: (.*)$", said.err, re.MULTILINE)
    assert hint in (advised[1] if advised is not None else ""), said
    assert "Traceback" not in said.err
    assert said.out == "" or "broken.yaml" in words
    assert sorted(path.name for path in folder.iterdir()) == ["broken.yaml", "data.ndjson", "folder", "mesh", "packed.gz", "taps.yaml"]


def test_problems_are_data_and_their_number_is_not(folder: Path, ask: Ask) -> None:
    said = ask("check", "--file", "broken.yaml")
    assert said.out == "broken.yaml:2:1 version: expected 1, got 2\n"
    assert said.err.startswith("error: broken.yaml has 1 problem\nhint: ")


def test_the_file_with_the_problem_is_the_one_that_is_named(tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taps.yaml").write_text(TAPS.replace("clicks: {", "clicks: {sql: clicks.sql, "))
    (tmp_path / "clicks.sql").write_text("selec 1")
    assert "error: clicks.sql has 1 problem\n" in ask("check").err
    (tmp_path / "taps.yaml").write_text(TAPS.replace("clicks: {", "clicks: {sql: clicks.sql, akc: stored, "))
    assert "error: clicks.sql, taps.yaml have 2 problems\n" in ask("check").err


def test_problems_are_named_as_seen_from_here(folder: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert ask("check", "--file", f"{folder.name}/broken.yaml").out.startswith(f"{folder.name}/broken.yaml:2:1 version")


def test_a_fault_of_ours_is_one_line_and_debug_shows_where(here: Path, ask: Ask) -> None:
    LocalTap(here, settings(output=(OutputColumn("id", "NO_SUCH_TYPE"),)))
    said = ask("query", "from clicks", "--lake", "lake")
    told = "error: CatalogException: Catalog Error: Type with name NO_SUCH_TYPE does not exist!"
    assert (said.code, said.err) == (1, f"{told}\nhint: tapmesh --debug query … shows where\n")
    with pytest.raises(duckdb.CatalogException, match="NO_SUCH_TYPE"):
        ask("--debug", "query", "from clicks", "--lake", "lake")


def test_what_is_not_as_it_was_written_is_named(here: Path, ask: Ask) -> None:
    tap = LocalTap(here, settings(ack="stored"))
    key = lake.settings_key("clicks", tap.settings.sha256())
    tap.store.put(key, b"{")
    said = ask("status", "--lake", "lake")
    assert (said.code, said.err.startswith(f"error: {key}: the settings object is not as tapmesh wrote it: ")) == (1, True)


def test_a_token_that_would_be_refused_is_warned_of(folder: Path, ask: Ask) -> None:
    assert "warning: clicks is public: it asks for no token" in ask("token", "--as", "partner", "--tap", "clicks").err
    (folder / "taps.yaml").write_text(TAPS.replace("public: true, ", ""))
    stranger = ask("token", "--as", "partner", "--tap", "clicks")
    assert "warning: partner is not granted to write to clicks: it would answer 403" in stranger.err
    ended = ask("token", "--as", "partner", "--tap", "orders")
    assert "warning: the grant of partner to write to orders ended with 2026-01-31" in ended.err
    assert (stranger.code, stranger.out.count("."), ended.code) == (0, 2, 0)
