"""What a receipt says of the mistakes of a first attempt: what to do, in the words of JSON and of the schema."""

import pytest

from tests.tap_runtime.local_tap import LocalTap, MakeTap, column


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"user":"ann"}{"user":"bob"}', "send one object a line (curl -d drops line ends, --data-binary keeps them)"),
        (b'{"user":"ann"} {"user":"bob"}', "--data-binary"),
        (
            b'{\n  "user": "ann",\n  "x": 1\n}',
            "it does not end on this line; send one object a line, or with Content-Type: application/json",
        ),
        (b'[\n{"user":"ann"}\n]', "Content-Type: application/json one whole object or array"),
        (b'[{"user":"ann"},{"user":"bob"}]', "an array of objects needs Content-Type: application/json"),
        (b"user,x\nann,1\n", "this looks like CSV; send one object a line, with the columns' names in each"),
        (b"user;x\r\nann;1\r\nbob;2\r\n", "this looks like CSV"),
        (b"user\tx\nann\t\n", "this looks like CSV"),
        (b"{'user': 'ann'}", "names take double quotes"),
    ],
)
def test_a_first_attempts_mistake_is_told_with_what_to_do(tap: LocalTap, body: bytes, says: str) -> None:
    told = tap.post(body).content["quarantined"][0]
    assert (told["line"], says in told["reason"]) == (1, True), told["reason"]


@pytest.mark.parametrize(
    "body",
    [
        b"ann,1\n",
        b"Dear all,\nno columns here\n",
        b"#!/bin/sh\nfor a in b; do\necho a, b; done\n",
        b"\x7fELF,\x01\n\x02,\x03\n",
        b"\xff,1\n\xff,2\n",
        b'{\n"user": "ann",\n"x": 1,\n"y": 2\n}',
    ],
)
def test_one_line_prose_scripts_and_binary_are_not_taken_for_csv(tap: LocalTap, body: bytes) -> None:
    told = tap.post(body).content["quarantined"]
    assert told and not [line["reason"] for line in told if "CSV" in line["reason"]]


@pytest.mark.parametrize(
    ("kind", "sent", "reason"),
    [
        ("INTEGER", '"1"', "$.v: expected INTEGER, got a text"),
        ("INTEGER", "1.5", "$.v: expected INTEGER, got a decimal number"),
        ("VARCHAR", "7", "$.v: expected VARCHAR, got a number"),
        ("BOOLEAN", "0", "$.v: expected BOOLEAN, got a number"),
        ("DOUBLE", "true", "$.v: expected DOUBLE, got a boolean"),
        ("TIMESTAMP", "{}", "$.v: expected an ISO 8601 timestamp, got an object"),
        ("DATE", "[]", "$.v: expected a date, YYYY-MM-DD, got an array"),
    ],
)
def test_a_value_of_another_type_is_told_in_the_words_of_the_schema(make_tap: MakeTap, kind: str, sent: str, reason: str) -> None:
    answer = make_tap((column("v", kind),)).post(f'{{"v":{sent}}}'.encode())
    assert answer.content["quarantined"] == [{"line": 1, "reason": reason}]
