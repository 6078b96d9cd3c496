"""What stands below the help of a command: its examples, and what exit codes mean."""

from rich.markup import escape

EXIT_CODES = {0: "done", 1: "it failed", 2: "the input is at fault", 130: "interrupted"}


def exit_codes(own: dict[int, str] | None = None) -> str:
    """One line; `own`: what some of them mean for this command."""
    return "Exit codes: " + ", ".join(f"{code} {meaning}" for code, meaning in (EXIT_CODES | (own or {})).items())


def epilog(examples: dict[str, str], own: dict[int, str] | None = None) -> str:
    """The end of a command's help; `examples`: command -> what it does."""
    shown = "\n".join(f"  [bold]{escape(command)}[/bold]\n      {escape(does)}" for command, does in examples.items())
    return f"Examples:\n{shown}\n\n{exit_codes(own)}"
