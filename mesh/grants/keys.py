"""Signing keys, Ed25519: at most two, one PEM after another, the first of which signs. Taps only ever see the public halves.

A laptop keeps them in a file, a stack in its configuration. Rotating is `added`, `rotated`, `retired`; taps hear of each before the next.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from mesh.grants.private import read_private, write_private
from tap_runtime.settings import VerifyKey

_PEM = re.compile(r"-----BEGIN PRIVATE KEY-----.+?-----END PRIVATE KEY-----", re.DOTALL)


class BadKeys(ValueError):
    """What was given cannot be used as keys, or not be changed so; in words, never with a key."""


@dataclass(frozen=True)
class SigningKey:
    """A key tokens are signed with; never printed. Its `kid` is a digest of its public half."""

    private: Ed25519PrivateKey

    @property
    def kid(self) -> str:
        """How tokens name it."""
        return hashlib.sha256(self.private.public_key().public_bytes_raw()).hexdigest()[:12]

    def __repr__(self) -> str:
        return f"SigningKey({self.kid})"

    def public(self) -> VerifyKey:
        """What taps get to know of it."""
        raw = self.private.public_key().public_bytes_raw()
        return VerifyKey(self.kid, base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


@dataclass(frozen=True)
class Keyring:
    """The keys of one mesh in one stack, one or two."""

    keys: tuple[SigningKey, ...]

    @property
    def signing(self) -> SigningKey:
        """The one that signs."""
        return self.keys[0]

    def public(self) -> tuple[VerifyKey, ...]:
        """What taps get to know."""
        return tuple(key.public() for key in self.keys)

    def pem(self) -> str:
        """All of it; a secret."""
        return "".join(key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() for key in self.keys)

    def added(self) -> "Keyring":
        """With a fresh key that taps get to know, but that does not sign yet; raises BadKeys."""
        if len(self.keys) > 1:
            raise BadKeys("there are two keys already; retire the one that does not sign first")
        return Keyring((*self.keys, _fresh()))

    def rotated(self) -> "Keyring":
        """The other key signs from now on; raises BadKeys."""
        return Keyring((self._other("sign"), self.signing))

    def retired(self) -> "Keyring":
        """Without the key that does not sign: tokens it signed are refused; raises BadKeys."""
        self._other("be retired")
        return Keyring((self.signing,))

    def _other(self, what: str) -> SigningKey:
        if len(self.keys) < 2:
            raise BadKeys(f"there is one key only, so no other can {what}; make one first: tapmesh keys new")
        return self.keys[1]


def read_keyring(pems: str) -> Keyring:
    """The keys of a text of one PEM after another; raises BadKeys."""
    blocks = _PEM.findall(pems)
    if not blocks:
        raise BadKeys("expected Ed25519 private keys as PEM")
    if len(blocks) > 2:
        raise BadKeys(f"expected one key, or two while rotating, got {len(blocks)}")
    return Keyring(tuple(map(_from_pem, blocks)))


def new_keyring() -> Keyring:
    """One fresh key."""
    return Keyring((_fresh(),))


def laptop_file(folder: Path) -> Path:
    """Where a laptop keeps its keys."""
    return folder / "signing.pem"


def laptop_keyring(folder: Path) -> Keyring:
    """The keys in `folder`, made when there are none; raises BadKeys, OSError."""
    file = laptop_file(folder)
    if not file.exists():
        write_private(file, new_keyring().pem(), new=True)
    try:
        return read_keyring(read_private(file))
    except ValueError as bad:
        raise BadKeys(f"{file}: {bad}") from None


def _fresh() -> SigningKey:
    return SigningKey(Ed25519PrivateKey.generate())


def _from_pem(block: str) -> SigningKey:
    try:
        private = load_pem_private_key(block.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKeys("a private key in it cannot be read; expected Ed25519 as PEM, not encrypted") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise BadKeys("a private key in it is not an Ed25519 one")
    return SigningKey(private)
