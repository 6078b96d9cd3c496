"""Signatures that nobody with the key made, and how ours and the library read the same token."""

import hashlib
import hmac

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tap_runtime.settings import VerifyKey
from tests.tap_runtime.local_tap import MakeTap
from tests.tap_runtime.signing import CLAIMS, GOOD, HEADER, Signed, made, part, refused, tap_with_tokens

ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group


@pytest.mark.parametrize("of", ["pem", "der", "raw", "base64url"])
def test_a_public_key_is_no_secret_to_sign_with(signed: Signed, of: str) -> None:
    tap, private = signed
    public = private.public_key()
    key = {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "raw": public.public_bytes_raw(),
        "base64url": tap.settings.keys[0].public.encode(),
    }[of]
    text = f"{part(HEADER | {'alg': 'HS256'})}.{part(CLAIMS)}"
    refused(tap, f"{text}.{part(hmac.digest(key, text.encode(), hashlib.sha256))}", "this tap takes none")


def test_a_signature_is_whole_and_of_the_right_key(signed: Signed) -> None:
    tap, private = signed
    text, _, signature = made(private).rpartition(".")
    other = made(Ed25519PrivateKey.generate()).rpartition(".")[2]
    for forged in ("", signature[:-2], part(b"\0" * 64), part(b"\xff" * 64), part(private.sign(text.encode())[:63]), other):
        refused(tap, f"{text}.{forged}")
    refused(tap, f"{text[:-4]}AAAA.{signature}")


def small(encoded: str) -> bytes:
    return bytes.fromhex(encoded)


# Points of small order and such that are not in their one spelling, as published lists of Ed25519's edge cases have them.
POINTS = [
    small("0100000000000000000000000000000000000000000000000000000000000000"),
    small("0000000000000000000000000000000000000000000000000000000000000000"),
    small("0000000000000000000000000000000000000000000000000000000000000080"),
    small("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    small("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    small("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
    small("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    small("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]


@pytest.mark.parametrize("point", POINTS, ids=[point.hex()[:8] for point in POINTS])
def test_no_signature_is_made_without_the_key(signed: Signed, point: bytes) -> None:
    tap, private = signed
    text = made(private).rpartition(".")[0]
    for scalar in (0, 1, ORDER, ORDER - 1):
        refused(tap, f"{text}.{part(point + scalar.to_bytes(32, 'little'))}", "signature is not right")


def test_a_signature_cannot_be_written_in_a_second_way(signed: Signed) -> None:
    tap, private = signed
    text = made(private).rpartition(".")[0]
    signature = private.sign(text.encode())
    scalar = int.from_bytes(signature[32:], "little")
    for added in (ORDER, 2 * ORDER):
        refused(tap, f"{text}.{part(signature[:32] + (scalar + added).to_bytes(32, 'little'))}", "signature is not right")


def test_the_library_agrees_with_rfc_8032() -> None:
    public = Ed25519PublicKey.from_public_bytes(small("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
    signature = small(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    public.verify(signature, b"\x72")
    with pytest.raises(InvalidSignature, match="^$"):
        public.verify(signature, b"\x73")


def test_two_keys_are_known_while_rotating(make_tap: MakeTap) -> None:
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    keys = tuple(VerifyKey(kid, part(key.public_key().public_bytes_raw())) for kid, key in (("old", old), ("new", new)))
    tap = make_tap(ack="stored", public=False, writers=tap_with_tokens(make_tap, ["ann@acme"], "stored")[0].settings.writers, keys=keys)
    assert tap.post(GOOD, x_bd_authorization=made(old, HEADER | {"kid": "old"})).taken == (200, 1, 0)
    assert tap.post(GOOD, x_bd_authorization=made(new, HEADER | {"kid": "new"})).taken == (200, 1, 0)
    refused_by = make_tap(ack="stored", public=False, writers=tap.settings.writers, keys=keys)
    refused(refused_by, made(old, HEADER | {"kid": "new"}), "signature is not right")
