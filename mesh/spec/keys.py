"""What a map of the language is, and how its texts with a unit are described."""

from pydantic import BaseModel, ConfigDict, WithJsonSchema


class Keys(BaseModel):
    """A map of the file: unknown keys are problems, nothing is converted on the quiet."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def written(title: str, example: str) -> WithJsonSchema:
    """A text that means a number, of the kind that `title` names."""
    return WithJsonSchema({"type": "string", "title": title, "examples": [example]})
