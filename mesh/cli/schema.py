"""`tapmesh schema`: the JSON Schema of taps.yaml, for editors."""

import json

from mesh.cli.say import data
from mesh.spec.reference import json_schema

NAME = "schema"


def run() -> None:
    """Print the JSON Schema of taps.yaml, for editors. Example: tapmesh schema > taps.schema.json"""
    data(json.dumps(json_schema(), indent=2))
