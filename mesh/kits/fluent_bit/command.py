"""`tapmesh kit fluent-bit`."""

from pathlib import Path

from mesh.cli.say import warn
from mesh.kits.shipper import printing

EXAMPLES = {"tapmesh kit fluent-bit --tap logs > tapmesh.yaml": "a configuration that tails /var/log/*.log into the tap logs"}


def _check(name: str, file: Path) -> None:
    """Warns where the file has a tap of that name that would count twice what is sent again."""
    from mesh.spec import load

    mesh = load(file).mesh if file.is_file() else None
    tap = None if mesh is None else mesh.taps.get(name)
    if tap is not None and (tap.ack, tap.retries) != ("stored", "body"):
        warn(f"{name} counts twice what Fluent Bit sends again: give it ack: stored and retries: body in {file}")


run = printing(
    Path(__file__).with_name("tapmesh.yaml"),
    "Print a configuration for Fluent Bit. Its tap needs ack: stored and retries: body, so that what is sent again counts once.",
    _check,
)
