"""What a declared source hands in by invoking the function, and what only looks like it."""

import base64
import json
from pathlib import Path

from tests.tap_runtime.test_lander import Environment, event


def test_what_a_source_of_the_mesh_hands_in_is_its_own(tmp_path: Path) -> None:
    """By invocation alone: AWS puts a requestContext around whatever comes over the URL."""
    environment = Environment(tmp_path, ack="stored", public=False)
    handed_in = {"tapmesh": "take", "source": "city", "headers": {"idempotency-key": "k"}, "body": base64.b64encode(b'{"id":"a"}').decode()}
    assert environment.invoke(event('{"id":"b"}') | handed_in)["statusCode"] == 401
    answers = [json.loads(environment.invoke(handed_in)["body"]) for _ in range(2)]
    assert [(answer["accepted"], answer.get("duplicate", False)) for answer in answers] == [(1, False), (1, True)]
    environment.invoke({"tapmesh": "flush"})
    assert environment.tap.rows("select id, _sender from events_out") == [("a", "source:city")]
