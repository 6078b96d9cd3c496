"""docs/cli.md, written from the commands themselves: `make docs`."""

import inspect
from collections.abc import Sequence
from typing import Any

import typer

from mesh.cli import kit
from mesh.cli.app import COMMANDS, app
from mesh.cli.epilog import EXIT_CODES, exit_codes

_TITLE = """# The command line

Written from the commands themselves. `tapmesh` alone says what to do next in the folder it stands in; `tapmesh COMMAND --help` says
what is below. Completion of commands, options and the names in `taps.yaml`: `tapmesh --install-completion`.

Data goes to standard output, everything else to standard error. An error is `error: …` and mostly `hint: …`, never a traceback;
`tapmesh --debug COMMAND` shows one. Colours are for terminals only, and not with `NO_COLOR`.
"""
_ENVIRONMENT = {
    "TAP_TOKEN": "the token `tapmesh send` and the kits send",
    "TAP_TOKEN_COMMAND": "instead: a shell command that prints one, run again a minute before that expires and when a tap refuses it",
    "TAPMESH_URL_<TAP>": "where `--to <tap>` sends, for a tap that is not the laptop mesh's",
    "TAPMESH_LAKE": "the lake that `query`, `trace`, `status` and `land` work on",
    "TAPMESH_BOILINGDATA_SECRET": "the BoilingData owner's tap master secret, for `dev` and `token --inspect`; else the file `keys` keeps",
}


def reference() -> str:
    """The Markdown page."""
    known: Any = typer.main.get_command(app)
    sections = [
        _section(command.NAME, known.commands[command.NAME], command.EXAMPLES, getattr(command, "EXIT_CODES", None)) for command in COMMANDS
    ]
    group = known.commands[kit.NAME]
    sections += [_section(f"{kit.NAME} {kind}", group.get_command(None, kind), kit.command(kind).EXAMPLES) for kind in kit.kinds()]
    codes = _table(("exit code", "meaning"), [(str(code), meaning) for code, meaning in EXIT_CODES.items()])
    environment = _table(("variable", "meaning"), [(f"`{name}`", meaning) for name, meaning in _ENVIRONMENT.items()])
    return "\n".join([_TITLE, codes, "", environment, "", *sections])


def _section(name: str, command: Any, examples: dict[str, str], own: dict[int, str] | None = None) -> str:
    context = typer.Context(command, info_name=f"tapmesh {name}")
    shown = "\n".join(f"# {does}\n{line}" for line, does in examples.items())
    rows = [_row(param, context) for param in command.params]
    options = _table(("option", "meaning", "default"), rows)
    about = " ".join(inspect.cleandoc(command.help).split())
    return f"## tapmesh {name}\n\n{about}\n\n```sh\n{shown}\n```\n\n{options}\n" + (f"\n{exit_codes(own)}.\n" if own else "")


def _row(param: Any, context: typer.Context) -> tuple[str, str, str]:
    if param.param_type_name == "argument":
        name = f"`{param.metavar}`"
    else:
        value = f" {param.metavar}" if param.metavar else "" if param.is_flag else " FORMAT"
        name = ", ".join(f"`{option}{value}`" for option in (*param.opts, *param.secondary_opts))
    default = (
        "required"
        if param.required
        else f"`{getattr(param.default, 'value', param.default)}`"
        if param.default not in (None, False)
        else ""
    )
    return name, param.help.replace("<", "&lt;"), default


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, ("---",) * len(heads), *rows])


if __name__ == "__main__":
    print(reference(), end="")
