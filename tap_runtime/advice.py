"""What to do about a line that is not one JSON object: the mistakes of a first attempt, told from the line and the parser's words."""

from collections.abc import Sequence

_ONE_A_LINE = "send one object a line"
_DOCUMENT = "with Content-Type: application/json one whole object or array"


def advice(line: str, fault: str) -> str:
    """A sentence to stand behind the fault; empty where the line does not show what was meant."""
    start = line.lstrip()[:1]
    if start in ("{", "["):
        if "truncated" in fault:
            return f"it does not end on this line; {_ONE_A_LINE}, or {_DOCUMENT}"
        if "trailing characters" in fault:
            return f"something stands behind it; {_ONE_A_LINE} (curl -d drops line ends, --data-binary keeps them)"
        return "names take double quotes" if "keys must be strings" in fault else ""
    return ""


def of_csv(lines: Sequence[bytes]) -> str:
    """A sentence to stand behind the fault of lines of which most have as many commas as the first: its columns' names."""
    counts = [_commas(line) for line in lines]
    is_csv = len(counts) > 1 and counts[0] > 0 and 2 * counts.count(counts[0]) > len(counts)
    return f"this looks like CSV; {_ONE_A_LINE}, with the columns' names in each" if is_csv else ""


def _commas(line: bytes) -> int:
    """How many commas (or semicolons, or tabs) plain text has; none where it is binary or begins like JSON."""
    try:
        text = line.decode().strip(" \r")
    except UnicodeDecodeError:
        return 0
    if text[:1] in tuple('{["}]') or not text.replace("\t", "").isprintable():
        return 0
    return max(text.count(separator) for separator in ",;\t")
