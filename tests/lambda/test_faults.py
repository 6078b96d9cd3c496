"""A store that misbehaves on command, and roles that may do what their policy says."""

import json
import time
import urllib.error
from collections.abc import Iterator

import pytest

from tests.emulated.aws import Aws, Credentials
from tests.emulated.faults import Fault, FaultyStore, Seen

BUCKET = "acme-faults"


@pytest.fixture(scope="module")
def bucket(s3: Aws) -> Aws:
    s3.bucket(BUCKET)
    return s3


@pytest.fixture
def faulty(bucket: Aws) -> Iterator[FaultyStore]:
    store = FaultyStore(bucket.endpoint)
    yield store
    store.down()


def put(store: FaultyStore, key: str, body: bytes = b"body") -> int:
    """The status, or 0 where the connection broke."""
    try:
        Aws(store.address).call("s3", "PUT", f"/{BUCKET}/{key}", body)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
    return 200


def stands(bucket: Aws, key: str) -> bool:
    try:
        return bucket.call("s3", "GET", f"/{BUCKET}/{key}") == b"body"
    except urllib.error.HTTPError as error:
        assert error.code == 404
        return False


@pytest.mark.parametrize(
    ("fault", "status", "there"),
    [("500", 500, False), ("503", 503, False), ("409", 409, False), ("cut", 0, False), ("lose-reply", 0, True), ("delay", 200, True)],
)
def test_a_fault_happens_once_and_then_the_store_is_well(faulty: FaultyStore, bucket: Aws, fault: Fault, status: int, there: bool) -> None:
    faulty.on(fault, method="PUT", path=f"{fault}-1", seconds=0.2)
    assert put(faulty, "another") == 200
    started = time.monotonic()
    assert put(faulty, f"{fault}-1") == status
    assert fault != "delay" or time.monotonic() - started >= 0.2
    assert stands(bucket, f"{fault}-1") is there
    assert put(faulty, f"{fault}-1") == 200
    became = fault if status == 0 else str(status)
    assert faulty.seen == [
        Seen("PUT", f"/{BUCKET}/{key}", what) for key, what in (("another", "200"), (f"{fault}-1", became), (f"{fault}-1", "200"))
    ]


def test_a_store_that_is_down_refuses_and_comes_back_at_its_address(faulty: FaultyStore) -> None:
    assert put(faulty, "up") == 200
    faulty.down()
    assert put(faulty, "down") == 0
    faulty.up()
    assert put(faulty, "down") == 200
    assert [seen.became for seen in faulty.seen] == ["200", "200"]


def test_a_role_may_do_what_its_policy_says_and_nothing_else(bucket: Aws) -> None:
    allowed = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": f"arn:aws:s3:::{BUCKET}/clicks/*"}
    role = bucket.role("clicks", json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))

    def refused(method: str, key: str, credentials: Credentials = role) -> str:
        with pytest.raises(urllib.error.HTTPError, match="403") as caught:
            bucket.call("s3", method, f"/{BUCKET}/{key}", credentials=credentials)
        return caught.value.read().decode().partition("<Code>")[2].partition("</Code>")[0]

    bucket.call("s3", "PUT", f"/{BUCKET}/clicks/1", b"body", role)
    assert bucket.call("s3", "GET", f"/{BUCKET}/clicks/1", credentials=role) == b"body"
    assert refused("PUT", "orders/1") == "AccessDenied"
    assert refused("DELETE", "clicks/1") == "AccessDenied"
    assert refused("GET", "clicks/1", Credentials(role.key_id, "another", role.token)) == "SignatureDoesNotMatch"
    assert stands(bucket, "orders/1") is False
