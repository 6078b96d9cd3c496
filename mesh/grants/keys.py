"""The laptop's signing key: an Ed25519 key in a file of mode 0600; taps only ever see its public half."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from tap_runtime.settings import VerifyKey


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
