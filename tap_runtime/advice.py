"""What to do about a line that is not one JSON object: the mistakes of a first attempt, told from the line and the parser's words."""

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
    if start not in ("", '"', "}", "]") and any(separator in line for separator in ",;\t"):
        return f"this looks like CSV; {_ONE_A_LINE}, with the columns' names in each"
    return ""
