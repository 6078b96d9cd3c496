"""`tapmesh query` on a terminal, in a pipe and before anything has landed; what is wrong with a statement is said in its own lines."""

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tap_runtime.settings import OutputColumn
from tests.cli.conftest import ENVIRONMENT, TAPMESH, TAPS, Ask, Said, on_a_terminal
from tests.local.conftest import RunningMesh
from tests.tap_runtime.local_tap import LocalTap, column, settings

SETTINGS = {"columns": (column("id", "INTEGER"),), "output": (OutputColumn("id", "INTEGER"),), "sql": "select id from events"}


@pytest.fixture
def tap(tmp_path: Path) -> LocalTap:
    """One tap of a lake, nothing sent to it yet."""
    return LocalTap(tmp_path, settings(**SETTINGS, ack="stored"))


def query(ask: Ask, tap: LocalTap, sql: str, *more: str) -> Said:
    return ask("query", sql, "--lake", str(tap.root / "lake"), *more)


def hints(said: Said) -> list[str]:
    assert said.code == 0, said
    return re.findall(r"^hint: (.*)$", said.err, re.MULTILINE)


def test_records_that_wait_are_counted_and_their_time_is_told(tap: LocalTap, ask: Ask) -> None:
    assert hints(query(ask, tap, "from clicks")) == ["nothing has been sent to clicks yet: tapmesh send data.ndjson --to clicks"]
    tap.post(b'{"id":1}\nbad\n')
    tap.post(b'{"id":2}\n')
    (hint,) = hints(query(ask, tap, "select count(*) from clicks"))
    assert re.fullmatch(r"3 records of clicks wait to land, due since [\d,]+ s \(thresholds: 60 s or 10,000,000 bytes\)", hint)
    (of_quarantine,) = hints(query(ask, tap, "from _quarantine"))
    assert of_quarantine.startswith("3 records of clicks wait to land")
    assert hints(query(ask, tap, "select 1")) == []
    tap.land()
    assert hints(query(ask, tap, "from clicks")) == []
    tap.post(b'{"id":3}\n')
    assert hints(query(ask, tap, "from clicks")) == []
    assert hints(query(ask, tap, "from clicks where id = 3"))[0].startswith("1 record of clicks waits to land")


def test_a_spool_on_this_machine_is_counted_and_elsewhere_the_marker_bounds_it(tmp_path: Path, ask: Ask) -> None:
    tap = LocalTap(tmp_path, settings(**SETTINGS))
    tap.post(b'{"id":1}\nbad\n{"id":2}\n')
    assert hints(query(ask, tap, "from clicks"))[0].startswith("3 records of clicks wait to land")
    (tap.root / "spool").rename(tap.root / "elsewhere")
    assert hints(query(ask, tap, "from clicks"))[0].startswith("at most 16,384 records of clicks wait to land")


def test_rows_that_went_elsewhere_are_told(tmp_path: Path, ask: Ask) -> None:
    tap = LocalTap(tmp_path, settings(**{**SETTINGS, "sql": "select id from events where id > 1"}, ack="stored"))
    tap.post(b'{"id":1}\n')
    tap.land()
    assert hints(query(ask, tap, "from clicks")) == ["clicks has landed, and its SQL made no rows (records: 1)"]
    tap.post(b"bad\n")
    tap.land()
    (hint,) = hints(query(ask, tap, "from clicks"))
    words = shlex.split(hint.partition(": ")[2])
    assert (hint.partition(":")[0], words[:2]) == ("clicks has no rows, and in quarantine 1", ["tapmesh", "query"])
    assert "bad" in query(ask, tap, words[2]).out


def test_nothing_is_told_of_a_tap_beyond_ones_reach(here: Path, ask: Ask) -> None:
    (here / "taps.yaml").write_text(TAPS.replace("{grants: {write", "{grants: {read: [partner], write"))
    tap = LocalTap(here, settings(**SETTINGS, tap="orders"))
    tap.post(b'{"id":1}\n')
    assert hints(query(ask, tap, "from orders", "--as", "partner")) == []
    assert len(hints(query(ask, tap, "from orders", "--as", "lead"))) == 1


def test_columns_stand_in_one_order_before_and_after_the_first_landing(tmp_path: Path, ask: Ask) -> None:
    columns = tuple(column(name, "INTEGER") for name in ("z", "a", "m"))
    output = tuple(OutputColumn(name, "INTEGER") for name in ("z", "a", "m"))
    tap = LocalTap(tmp_path, settings(columns=columns, output=output, sql="select z, a, m from events", ack="stored"))
    header = "z,a,m,year,month,day,hour\n"
    assert query(ask, tap, "from clicks", "--format", "csv").out == header
    tap.post(b'{"z":1,"a":2,"m":3}\n')
    tap.land()
    assert query(ask, tap, "from clicks", "--format", "csv").out.startswith(header + "1,2,3,20")


def test_rows_that_have_expired_are_told(tap: LocalTap, ask: Ask) -> None:
    tap.post(b'{"id":1}\n')
    tap.store.delete([file.key for file in tap.land().files])
    assert hints(query(ask, tap, "FROM Clicks")) == ["what landed in clicks is no longer in the lake"]


def test_a_mesh_that_does_not_run_is_named_as_the_cause(tmp_path: Path, ask: Ask) -> None:
    mesh = RunningMesh(tmp_path, (Path(__file__).parents[2] / "mesh/starter/taps.yaml").read_text().replace("MESH", "test"))
    mesh.file.write_text(mesh.file.read_text().replace("    sql: sql/clicks.sql\n", "    public: true\n").replace("age: 5s", "age: 5m"))
    mesh.start()
    mesh.post("clicks", b'{"eventType":"a"}\n')
    (hint,) = hints(ask("query", "from clicks", "--file", str(mesh.file)))
    assert re.fullmatch(r"1 record of clicks waits to land, in about \d+ s \(thresholds: 300 s or 10,000,000 bytes\)", hint)
    lander = mesh.lander()
    os.kill(lander, signal.SIGSTOP)  # or it would land what is there as its server dies
    try:
        mesh.stop(signal.SIGKILL, group=True)
        (hint,) = hints(ask("query", "from clicks", "--file", str(mesh.file)))
    finally:
        os.kill(lander, signal.SIGKILL)
    assert hint == "1 record of clicks waits, and the mesh is not running: tapmesh dev lands what waits as it starts"


def test_a_terminal_gets_few_rows_cut_to_its_width(tap: LocalTap, ask: Ask) -> None:
    wide = ", ".join(f"{number} as column_{number}" for number in range(40))
    words = ("query", f"select {wide} from range(100)", "--lake", str(tap.root / "lake"))
    shown = on_a_terminal(tap.root, *words).decode()
    assert (shown.count("\n│ ") - 2, "column_20 " in shown) == (40, False)
    assert "… 60 more rows; --limit N shows more of them, --format csv all" in shown
    assert max(map(len, shown.splitlines())) <= 120


def test_a_pipe_gets_a_table_that_is_narrow_and_else_each_value_whole_on_a_line(tap: LocalTap, ask: Ask) -> None:
    narrow = query(ask, tap, "select i, repeat('x', 100) as text from range(100) t(i)")
    assert (narrow.out.count("\n│ ") - 2, narrow.err) == (100, "")
    long = "x" * 5000
    said = query(ask, tap, f"select i as number, '{long}' || i as text, 'two\nlines' as b, NULL as none from range(2) t(i)")
    rows = [["-- row 1", "number  0", f"text    {long}0", "b       two\\nlines", "none    NULL"]]
    rows += [["-- row 2", "number  1", f"text    {long}1", "b       two\\nlines", "none    NULL"]]
    assert (said.out.splitlines(), said.err) == (sum(rows, []), "")
    none = query(ask, tap, f"select i as {'a' * 90}, i as {'b' * 90} from range(0) t(i)")
    assert (none.code, "a" * 90 in none.out, "0 rows" in none.out) == (0, True, True)


def test_limit_says_how_many_rows_and_how_many_more_there_are(tap: LocalTap, ask: Ask) -> None:
    said = query(ask, tap, "select i from range(50) t(i) order by i desc", "--limit", "3")
    assert (re.findall(r"^│ +(\d+) │$", said.out, re.MULTILINE), said.err.split(";")[0]) == (["49", "48", "47"], "… 47 more rows")
    assert query(ask, tap, "from range(4)", "--limit", "3").err.startswith("… 1 more row;")
    assert query(ask, tap, "from range(4)", "--limit", "4").err == ""
    assert query(ask, tap, "from range(30000)", "--limit", "3").err.startswith("… more than 9,997 more rows;")


@pytest.mark.parametrize("words", ["query 'from range(200000)' --format csv", "query 'from range(90)'", "status", "query --help"])
def test_a_reader_that_has_seen_enough_is_no_fault(tap: LocalTap, words: str) -> None:
    where = "" if "--help" in words else f" --lake {tap.root / 'lake'}"
    script = f"{TAPMESH} {words}{where} | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


WRONG = [
    # statement, what is said after `error: `, the hint
    ("pivot clicks on id", "PIVOT needs its values here: pivot <tap> on <column> in ('a', 'b') using count(*)", None),
    ("attach 'x.db'", "expected one SELECT, got ATTACH", "select * from <tap> limit 10"),
    ("drop table clicks", "expected one SELECT, got DROP", "select * from <tap> limit 10"),
    ("select 1; select 2", "expected one SELECT, got 2 statements", "select * from <tap> limit 10"),
    ("", "expected one SELECT, got nothing", "select * from <tap> limit 10"),
    ("with x as (copy (select 1) to 'x.csv') select * from x", "WITH clause containing a COPY statement must be at the top level", None),
    ("/* nothing */", "expected one SELECT, got nothing", "select * from <tap> limit 10"),
    ("from \udcff", "the statement is not UTF-8", None),
    ("selec 1", 'Parser Error: syntax error at or near "selec"\nLINE 1: selec 1\n        ^^^^^', None),
    ("select id,\nfoo\nfrom clicks", 'Referenced column "foo" not found in FROM clause!\n…\nLINE 2: foo\n        ^^^', None),
    (
        "from click",
        'Table with name click does not exist!\nDid you mean "clicks"?\nLINE 1: from click\n             ^^^^^',
        "tables here: …clicks",
    ),
    (
        "from page_views",
        "Table with name page_views does not exist!\nLINE 1: from page_views\n             ^^^^^^^^^^",
        "tables here: …clicks",
    ),
    ("select 1, 'a'::int", "Could not convert string 'a' to INT32\nLINE 1: select 1, 'a'::int\n                     ^^^^^", None),
    ("from read_csv('/etc/passwd')", 'Cannot access file "/etc/passwd"…', "a query reads the lake's tables and nothing else"),
]


@pytest.mark.parametrize("shape", ["table", "json"])
@pytest.mark.parametrize(("sql", "what", "hint"), WRONG, ids=[sql for sql, *_ in WRONG])
def test_what_is_wrong_is_said_in_the_statements_own_lines(
    tap: LocalTap, ask: Ask, sql: str, what: str, hint: str | None, shape: str
) -> None:
    said = query(ask, tap, sql, "--format", shape)
    text, _, hinted = said.err.removesuffix("\n").partition("\nhint: ")
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(r"error: (\w+ Error: )?" + re.escape(what).replace("…", r"[\s\S]*"), text), text
    assert re.fullmatch(re.escape(hint or "").replace("…", ".*"), hinted), hinted


CHANGED = [
    ("INTEGER", b'{"id":1}\n', "BIGINT", b'{"id":9999999999}\n', "BIGINT"),
    ("BIGINT", b'{"id":9999999999}\n', "INTEGER", b'{"id":1}\n', "BIGINT"),
    ("INTEGER", b'{"id":1}\n', "VARCHAR", b'{"id":"a"}\n', "VARCHAR"),
    ("VARCHAR", b'{"id":"a"}\n', "INTEGER", b'{"id":1}\n', "VARCHAR"),
    ("DATE", b'{"id":"2026-07-01"}\n', "TIMESTAMP", b'{"id":"2026-07-01T12:00:00"}\n', "TIMESTAMP"),
]


def changed(root: Path, before: str, first: bytes, after: str, second: bytes) -> LocalTap:
    """A tap that landed one record with each of two types of its column."""
    for kind, body in ((before, first), (after, second)):
        told = {"columns": (column("id", kind), column("n", "INTEGER")), "output": (OutputColumn("id", kind), OutputColumn("n", "INTEGER"))}
        tap = LocalTap(root, settings(sql="select id, n from events", ack="stored", **told))
        assert tap.post(body).taken == (200, 1, 0)
        tap.land()
    return tap


@pytest.mark.parametrize(("before", "first", "after", "second", "read"), CHANGED)
def test_a_changed_type_is_read_as_the_wider_one(
    tmp_path: Path, ask: Ask, before: str, first: bytes, after: str, second: bytes, read: str
) -> None:
    tap = changed(tmp_path, before, first, after, second)
    said = query(ask, tap, "select count(id), min(typeof(id)), max(typeof(id)) from clicks", "--format", "csv")
    assert said.out.splitlines()[1] == f"2,{read},{read}"


def test_types_that_cannot_be_read_together_are_named_and_other_columns_are_read(tmp_path: Path, ask: Ask) -> None:
    tap = changed(tmp_path, "INTEGER", b'{"id":1,"n":7}\n', "DATE", b'{"id":"2026-07-01","n":8}\n')
    said = query(ask, tap, "from clicks")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(
        "error: id of clicks is INTEGER in some files and DATE in others, and neither can be read as the other\nhint: "
    )
    assert query(ask, tap, "select n from clicks order by n", "--format", "csv").out.split() == ["n", "7", "8"]


def test_quarantined_records_are_printed_as_they_are_sent_again(tmp_path: Path, ask: Ask) -> None:
    """As docs/how-it-works.md tells it."""
    tap = LocalTap(tmp_path, settings(**{**SETTINGS, "sql": "select error('no') as id from events"}, ack="stored"))
    body = '{"id":7,"more":"a \\"b\\""}'
    tap.post(body.encode() + b"\n")
    tap.land()
    said = query(ask, tap, "select record from _quarantine where tap = 'clicks'", "--format", "lines")
    assert (said.code, said.out) == (0, body + "\n")
