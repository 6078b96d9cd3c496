"""`tapmesh schema`: the JSON Schema of taps.yaml, for editors."""

import json

from mesh.cli.names import names
from mesh.cli.options import TAPS_YAML, File, existing
from mesh.cli.say import data

NAME = "schema"
EXAMPLES = {"tapmesh schema > taps.schema.json": "for an editor that completes and checks YAML"}


def run(file: File = TAPS_YAML) -> None:
    """Print the JSON Schema of taps.yaml, by which an editor completes and checks it, with the names of the file that is there."""
    from mesh.spec.reference import json_schema

    if file != TAPS_YAML:
        existing(file)
    data(json.dumps(json_schema(names(file, "teams"), names(file, "people")), indent=2))
