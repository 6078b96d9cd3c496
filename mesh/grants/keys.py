"""Signing keys, Ed25519: the laptop's in a file of mode 0600, a stack's in its configuration. Taps only ever see the public half."""

import base64
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from tap_runtime.settings import VerifyKey

_PEM = re.compile(r"-----BEGIN PRIVATE KEY-----.+?-----END PRIVATE KEY-----", re.DOTALL)


@dataclass(frozen=True)
class SigningKey:
    """A key tokens are signed with; never printed."""

    kid: str
    private: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"SigningKey({self.kid})"

    def public(self) -> VerifyKey:
        """What taps get to know of it."""
        raw = self.private.public_key().public_bytes_raw()
        return VerifyKey(self.kid, base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


def dev_key(folder: Path) -> SigningKey:
    """The one key in `folder`, made when there is none."""
    found = sorted(folder.glob("*.pem"))
    if found:
        private = load_pem_private_key(found[-1].read_bytes(), None)
        assert isinstance(private, Ed25519PrivateKey)
        return SigningKey(found[-1].stem, private)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = SigningKey(f"dev-{os.urandom(4).hex()}", Ed25519PrivateKey.generate())
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fresh = folder / f".{key.kid}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, pem)
    os.close(descriptor)
    fresh.rename(folder / f"{key.kid}.pem")
    return key


def public_keys(pems: str) -> tuple[VerifyKey, ...]:
    """What taps get to know of the private keys in a text of one PEM after another; raises ValueError in words, never with the text."""
    blocks = _PEM.findall(pems)
    if not blocks:
        raise ValueError("expected Ed25519 private keys as PEM")
    return tuple(_from_pem(block).public() for block in blocks)


def _from_pem(block: str) -> SigningKey:
    try:
        private = load_pem_private_key(block.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("a private key in it cannot be read; expected Ed25519 as PEM, not encrypted") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("a private key in it is not an Ed25519 one")
    return SigningKey(hashlib.sha256(private.public_key().public_bytes_raw()).hexdigest()[:12], private)
