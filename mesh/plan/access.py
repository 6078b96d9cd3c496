"""IAM documents as values: who may do what with what, and their JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Statement:
    """Something that is allowed. `principals` stands in documents of resources only, by kind: Service or AWS."""

    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    principals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def _document(self) -> dict[str, Any]:
        parts = {
            "Principal": {kind: sorted(named) for kind, named in self.principals.items()},
            "Action": sorted(self.actions),
            "Resource": sorted(self.resources),
            "Condition": {test: {key: sorted(values) for key, values in keys.items()} for test, keys in self.conditions.items()},
        }
        return {"Effect": "Allow"} | {name: value for name, value in parts.items() if value}


@dataclass(frozen=True)
class Policy:
    """A whole document."""

    statements: tuple[Statement, ...]

    def json(self) -> str:
        """The document, the same text for the same policy."""
        statements = [statement._document() for statement in self.statements]
        return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)
