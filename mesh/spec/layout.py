"""Why a file is not YAML: in plain words, at the line where it went wrong, which is often not the one the parser stopped at."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from mesh.spec.nodes import Place

_CONTENT = re.compile(r"( *)([^\s#].*)")
_KEY = re.compile(r"""(?:- +)?("[^"]*"|'[^']*'|[^\s#'"\[{][^#]*?):(?:\s|$)""")
_BLOCK = re.compile(r"[|>][+-]?\d?\s*(#.*)?$")
_NO_SPACE = re.compile(r"(?:- +)?\w+:\S")
_OPENED = re.compile(r"""(?:[:\-\[,{] +|[\[{])(["'])""")
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # as the parser counts lines


@dataclass(frozen=True)
class Line:
    """A line with something in it; `number` from 1, `indent` in spaces."""

    number: int
    indent: int
    text: str

    @property
    def key(self) -> str | None:
        """The key that stands in it."""
        found = _KEY.match(self.text)
        return None if found is None else found[1]

    @property
    def name(self) -> str:
        """What to call it."""
        return self.key or self.text[:20]

    @property
    def start(self) -> Place:
        """Where its text begins."""
        return self.number, self.indent + 1


def explain(text: str, error: yaml.MarkedYAMLError) -> tuple[Place, str]:
    """Where to look and what is wrong there."""
    rows = _BREAK.split(text)
    lines = [Line(number, len(match[1]), match[2]) for number, row in enumerate(rows, 1) if (match := _CONTENT.fullmatch(row.rstrip()))]
    place, began = _place(error.problem_mark or error.context_mark), _place(error.context_mark or error.problem_mark)
    found, first = _character(rows, place), _character(rows, began)
    fault = ", ".join(part for part in (error.context, error.problem) if part)
    if "tab character" in fault or found == "\t":
        return place, "a tab cannot indent; use spaces"
    if "cannot start any token" in fault or "scanning an alias" in fault:
        start, shown = (place, found) if "token" in fault else (began, first)
        return start, f"a text that starts with {shown} needs quotes"
    if "quoted scalar" in fault:
        return began, _not_closed(first)
    if "a flow " in fault and (opened := _bracket(rows, began)) is not None:
        return opened, f"the {_character(rows, opened)} here is not closed, or a comma is missing in it"
    here = next((index for index, line in enumerate(lines) if line.number == (began if "':'" in fault else place)[0]), len(lines) - 1)
    if here >= 0 and "expected ':'" in fault:
        return _in_block(lines[: here + 1]) or (lines[here].start, _unlike_a_key(lines[here]))
    if here >= 0 and re.search("mapping values|expected key|block end", fault):
        return _indented(lines, here, place[1])
    return place, fault


def _place(mark: yaml.Mark | None) -> Place:
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def _character(rows: Sequence[str], place: Place) -> str:
    return "" if place[0] > len(rows) else rows[place[0] - 1][place[1] - 1 : place[1]]


def _bracket(rows: Sequence[str], place: Place) -> Place | None:
    """The last one that opens at or before the place."""
    for number in range(min(place[0], len(rows)), 0, -1):
        row = rows[number - 1][: place[1]] if number == place[0] else rows[number - 1]
        if (column := max(row.rfind("["), row.rfind("{"))) >= 0:
            return number, column + 1
    return None


def _not_closed(quote: str) -> str:
    return f"the text that begins with {quote} here has no end; close the quote"


def _unlike_a_key(line: Line) -> str:
    if _NO_SPACE.match(line.text):
        return "a space is missing behind the colon; write key: value"
    if re.match(r"-\w", line.text):
        return "a space is missing behind the dash; write - value"
    return "a colon is missing; write key: value"


def _in_block(lines: Sequence[Line]) -> tuple[Place, str] | None:
    """Where the last line ought to be one of a text below `|`, how far in it has to stand."""
    *before, last = lines
    for line in reversed(before):
        if _BLOCK.search(line.text) and last.key is None:
            inside = lines[lines.index(line) + 1].indent
            wanted = (
                f"{_spaces(inside)}, like its first line" if inside > line.indent and inside > last.indent else f"more than {line.name}"
            )
            said = f"the text of {line.name} has to be indented by {wanted}, and here it is by {_spaces(last.indent)}"
            return last.start, f"{said}; if this is a key, write key: value"
        if line.key is not None and line.indent <= last.indent:
            return None
    return None


def _indented(lines: Sequence[Line], here: int, column: int) -> tuple[Place, str]:
    """A key where none can stand: it, or one above it, is indented wrongly, or a value ends earlier or later than was meant."""
    line, above = lines[here], lines[:here]
    if column > line.indent + 1:
        for each in reversed(lines[: here + 1]):
            if (opened := _open_quote(each)) is not None:
                return opened
    value = line.indent + _value(line) + 1
    if column > value:
        return (line.number, value), "this text needs quotes"
    if (fault := _in_block(lines[: here + 1])) is not None:
        return fault
    if above and above[-1].key is None and not above[-1].text.startswith("- ") and above[-1].indent <= line.indent:
        return above[-1].start, _unlike_a_key(above[-1])
    keys = _outside_texts(lines)
    return _odd_one(keys, line, [each for each in keys if each.number < line.number])


def _value(line: Line) -> int:
    """How far into its text the value of a line begins."""
    found = _KEY.match(line.text)
    return 0 if found is None else len(line.text) - len(line.text[found.end() :].lstrip())


def _outside_texts(lines: Sequence[Line]) -> list[Line]:
    """Without the lines of texts below `|`."""
    found: list[Line] = []
    for line in lines:
        if not (found and _BLOCK.search(found[-1].text) and line.indent > found[-1].indent):
            found.append(line)
    return found


def _open_quote(line: Line) -> tuple[Place, str] | None:
    found = _OPENED.search(line.text)
    if found is None or line.text.count(found[1]) % 2 == 0:
        return None
    return (line.number, line.indent + found.end()), _not_closed(found[1])


def _odd_one(lines: Sequence[Line], line: Line, above: Sequence[Line]) -> tuple[Place, str]:
    """Of the line and those it does not agree with the one whose indentation is the rarest of the file."""
    outer, inner = _around(line, above)
    usual = Counter(each.indent for each in lines)
    rivals = [each for each in (inner, above[-1] if above else None) if each is not None and each.indent != line.indent]
    odd = min((line, *rivals), key=lambda each: (usual[each.indent] > 1, each.indent % 2 == 0, usual[each.indent], each is not line))
    beside = [line] if odd is not line else [each for each in (outer, inner) if each is not None]
    wanted = " or ".join(f"{each.indent} like {each.name} on line {each.number}" for each in beside)
    return odd.start, f"{odd.name} is indented by {_spaces(odd.indent)}; expected {wanted}"


def _around(line: Line, above: Sequence[Line]) -> tuple[Line | None, Line | None]:
    """The nearest lines above of the levels that are open there: the deepest not further in, the outermost further in."""
    inner: Line | None = None
    for each in reversed(above):
        if each.indent <= line.indent:
            return each, inner
        if inner is None or each.indent < inner.indent:
            inner = each
    return None, inner


def _spaces(count: int) -> str:
    return f"{count} space{'' if count == 1 else 's'}"
