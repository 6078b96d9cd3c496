"""The Typer app: all commands, and what becomes of their exceptions."""

import os
import sys
from importlib.metadata import version

import typer
from typer.exceptions import Abort, TyperException

from mesh.cli import (
    build,
    check,
    dev,
    init,
    keys,
    kit,
    land,
    next_step,
    plan,
    query,
    schema,
    send,
    status,
    test,
    token,
    trace,
    what_can,
    who_can,
)
from mesh.cli.epilog import epilog, exit_codes
from mesh.cli.faults import report
from mesh.cli.options import state
from mesh.cli.say import data, fail

COMMANDS = (init, check, test, plan, dev, token, send, query, trace, status, who_can, what_can, keys, land, schema, build)

app = typer.Typer(
    name="tapmesh",
    pretty_exceptions_enable=False,
    help="A data mesh from one file: taps take NDJSON over HTTP, run their team's SQL and land Parquet in your own lake."
    "\n\nAlone, tapmesh says what to do next in this folder.",
    epilog=exit_codes(),
)


def _version(asked: bool) -> None:
    if asked:
        data(f"tapmesh {version('tapmesh')}")
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    debug: bool = typer.Option(False, "--debug", metavar="", help="Show tracebacks."),
    version: bool = typer.Option(False, "--version", metavar="", callback=_version, is_eager=True, help="Show tapmesh's version and end."),
) -> None:
    state.debug = debug
    if context.invoked_subcommand is None:
        next_step.tell()


for command in COMMANDS:
    app.command(command.NAME, epilog=epilog(command.EXAMPLES, getattr(command, "EXIT_CODES", None)))(command.run)
app.add_typer(kit.app, name=kit.NAME, epilog=epilog(kit.EXAMPLES))


def start() -> None:
    """Runs the command line and ends the process; well, when whoever reads its output has seen enough, like head."""
    _open_standard_streams()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except (SystemExit, BrokenPipeError) as ended:
        if not isinstance(ended.__context__ if isinstance(ended, SystemExit) else ended, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except TyperException as wrong:
        path = getattr(getattr(wrong, "ctx", None), "command_path", "tapmesh")
        words = _words(wrong)
        late = words.endswith("--debug")
        fail(words, f"{path} --help shows what it takes" if not late else "--debug stands before the command", code=wrong.exit_code)
    except (Abort, KeyboardInterrupt):
        fail("interrupted", code=130)
    except Exception as error:
        report(error)
    sys.exit(code)


def _open_standard_streams() -> None:
    """One that was closed is like /dev/null; its descriptor would be the next file's."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin, sys.stdout, sys.stderr = sys.stdin or os.fdopen(0), sys.stdout or os.fdopen(1, "w"), sys.stderr or os.fdopen(2, "w")


def _words(wrong: TyperException) -> str:
    text = wrong.format_message().rstrip(".").replace("Value error, ", "")
    return text[:1].lower() + text[1:]
