"""No page shows a command or an option that does not exist, and every command and key is on a page."""

from pathlib import Path

import pytest

from mesh.cli import kit
from mesh.cli.reference import reference
from mesh.spec.reference import json_schema
from tests.docs.pages import COMMANDS, PAGES, ROOT, commands, faults


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_exists(page: Path) -> None:
    assert [(command, faults(command)) for command in commands(page.read_text()) if faults(command)] == []


def test_a_page_that_lies_is_found_out() -> None:
    page = "`tapmesh deploy` and `tapmesh check --fix`, `tapmesh --quiet`\n"
    page += "```sh\ntapmesh send a.ndjson --to clicks --fast  # how?\nX=$(tapmesh mend)\n```\n"
    assert [fault for command in commands(page) for fault in faults(command)] == ["--fast", "mend", "deploy", "--fix", "--quiet"]
    assert commands('`tapmesh`, `tapmesh query "select 1" --format csv` and tapmesh in prose') == ["", ' query "select 1" --format csv']


def test_the_command_line_page_is_current() -> None:
    assert (ROOT / "docs" / "cli.md").read_text() == reference(), "run make docs"


def test_every_command_and_option_is_on_its_page() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    kinds = {f"kit {kind}": COMMANDS["kit"].get_command(None, kind) for kind in kit.kinds()}
    for name, command in {**COMMANDS, **kinds}.items():
        if name == "kit":
            continue
        section = page.partition(f"## tapmesh {name}\n")[2].partition("\n## ")[0]
        missing = [option for param in command.params for option in param.opts if option.startswith("-") and f"`{option}" not in section]
        assert (section != "", missing) == (True, []), name


def test_every_key_is_on_its_page() -> None:
    page = (ROOT / "docs" / "taps-yaml.md").read_text()
    kinds = {"": json_schema(), **json_schema()["$defs"]}
    keys = {key for kind in kinds.values() for key in kind.get("properties", {})}
    assert {key for key in keys if f".{key}`" not in page and f"`{key}`" not in page} == set()
    assert len(keys) > 30
