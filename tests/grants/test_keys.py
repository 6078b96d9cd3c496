"""Signing keys: made, read back, rotated; and what no one else may see."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mesh.grants.boilingdata import laptop_secret, read_secret, secret_file
from mesh.grants.keys import BadKeys, laptop_file, laptop_keyring, new_keyring, read_keyring
from mesh.grants.private import write_private


def test_a_laptops_keys_are_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    keyring = laptop_keyring(tmp_path / "keys")
    assert laptop_keyring(tmp_path / "keys").public() == keyring.public()
    assert stat.S_IMODE(laptop_file(tmp_path / "keys").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["signing.pem"]


def test_keys_that_others_may_read_are_not_used(tmp_path: Path) -> None:
    laptop_keyring(tmp_path)
    laptop_file(tmp_path).chmod(0o640)
    with pytest.raises(BadKeys, match="others may read it; chmod 600"):
        laptop_keyring(tmp_path)


def test_a_file_that_is_there_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    write_private(tmp_path / "file", "first", new=True)
    write_private(tmp_path / "file", "second", new=True)
    assert (tmp_path / "file").read_text() == "first"
    write_private(tmp_path / "file", "third")
    assert (tmp_path / "file").read_text() == "third"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_rotating_is_adding_turning_and_retiring() -> None:
    first = new_keyring()
    both = first.added()
    assert (both.signing.kid, len(both.public())) == (first.signing.kid, 2)
    turned = both.rotated()
    assert set(turned.public()) == set(both.public())
    assert turned.signing.kid == both.keys[1].kid
    last = turned.retired()
    assert last.public() == (both.keys[1].public(),)
    assert read_keyring(turned.pem()).public() == turned.public()


def test_what_cannot_be_done_is_said() -> None:
    one = new_keyring()
    with pytest.raises(BadKeys, match="there are two keys already"):
        one.added().added()
    with pytest.raises(BadKeys, match="no other can sign"):
        one.rotated()
    with pytest.raises(BadKeys, match="no other can be retired"):
        one.retired()


def test_what_is_no_key_is_said_without_it() -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for text, why in [
        ("", "expected Ed25519 private keys"),
        ("nonsense", "expected Ed25519 private keys"),
        (other, "is not an Ed25519 one"),
        (other.replace("M", "N"), "cannot be read"),
        (new_keyring().pem() * 3, "or two while rotating, got 3"),
    ]:
        with pytest.raises(BadKeys, match=why) as bad:
            read_keyring(text)
        assert "PRIVATE" not in str(bad.value)


def test_no_private_half_is_shown() -> None:
    keyring = new_keyring()
    secret = keyring.pem().splitlines()[1]
    assert f"{keyring!r}{keyring.public()!r}".count(keyring.signing.kid) == 2
    assert secret not in f"{keyring!r} {keyring.signing} {keyring.public()}"


def test_the_master_secret_is_taken_as_text_or_as_bdcli_prints_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_secret("a-tap-master-secret\n") == "a-tap-master-secret"
    assert read_secret('{"bdTapMasterSecret": "a-tap-master-secret", "cached": true}') == "a-tap-master-secret"
    for text in ("", "short", '{"bdTapMasterSecret": null}', "{}"):
        with pytest.raises(ValueError, match="expected a tap master secret of 16 characters or more: bdcli account"):
            read_secret(text)
    monkeypatch.delenv("TAPMESH_BOILINGDATA_SECRET", raising=False)
    assert laptop_secret(tmp_path) is None
    write_private(secret_file(tmp_path), "a-tap-master-secret")
    assert laptop_secret(tmp_path) == "a-tap-master-secret"
    monkeypatch.setenv("TAPMESH_BOILINGDATA_SECRET", "the-environment-comes-first")
    assert laptop_secret(tmp_path) == "the-environment-comes-first"
    monkeypatch.delenv("TAPMESH_BOILINGDATA_SECRET")
    secret_file(tmp_path).chmod(0o644)
    with pytest.raises(ValueError, match="others may read it"):
        laptop_secret(tmp_path)
