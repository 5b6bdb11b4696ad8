"""Envelope encryption of signing keys."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from countersign.kit.ids import new_id
from countersign.trust import keys
from countersign.trust.keys import KeyNotReadable, SecretKeyEncryption

ORGANIZATION, KEY = new_id(), new_id()
SECRET = secrets.token_bytes(32)


def test_a_key_that_was_wrapped_signs_again() -> None:
    stored = keys.generate(SecretKeyEncryption(SECRET), ORGANIZATION, KEY)
    private = keys.unlock(SecretKeyEncryption(SECRET), ORGANIZATION, KEY, stored)
    private.public_key().verify(private.sign(b"x"), b"x")
    assert private.public_key().public_bytes_raw() == stored.public


def test_a_key_opens_only_with_its_secret_its_organization_and_its_id() -> None:
    stored = keys.generate(SecretKeyEncryption(SECRET), ORGANIZATION, KEY)
    for encryption, organization, key in (
        (SecretKeyEncryption(secrets.token_bytes(32)), ORGANIZATION, KEY),
        (SecretKeyEncryption(SECRET, "local-2"), ORGANIZATION, KEY),
        (SecretKeyEncryption(SECRET), new_id(), KEY),
        (SecretKeyEncryption(SECRET), ORGANIZATION, new_id()),
    ):
        with pytest.raises(KeyNotReadable):
            keys.unlock(encryption, organization, key, stored)


def test_altered_rows_do_not_open() -> None:
    stored = keys.generate(SecretKeyEncryption(SECRET), ORGANIZATION, KEY)
    other = keys.generate(SecretKeyEncryption(SECRET), ORGANIZATION, KEY)
    for altered in (
        replace(stored, wrapped_private=stored.wrapped_private[:-1] + b"\0"),
        replace(stored, wrapped_data_key=other.wrapped_data_key),
        replace(stored, public=other.public),
        replace(stored, wrapped_private=b""),
    ):
        with pytest.raises(KeyNotReadable):
            keys.unlock(SecretKeyEncryption(SECRET), ORGANIZATION, KEY, altered)


def test_rewrapping_changes_the_data_key_only() -> None:
    old, new = SecretKeyEncryption(SECRET), SecretKeyEncryption(secrets.token_bytes(32), "local-2")
    stored = keys.generate(old, ORGANIZATION, KEY)
    wrapped_again = keys.rewrap(old, new, ORGANIZATION, KEY, stored)
    assert wrapped_again.wrapped_private == stored.wrapped_private
    before = keys.unlock(old, ORGANIZATION, KEY, stored).private_bytes_raw()
    assert keys.unlock(new, ORGANIZATION, KEY, wrapped_again).private_bytes_raw() == before
    with pytest.raises(KeyNotReadable):
        keys.unlock(old, ORGANIZATION, KEY, wrapped_again)


def test_neither_text_nor_errors_show_a_key() -> None:
    encryption = SecretKeyEncryption(SECRET)
    stored = keys.generate(encryption, ORGANIZATION, KEY)
    shown = repr(stored) + repr(encryption)
    with pytest.raises(KeyNotReadable) as refused:
        keys.unlock(encryption, ORGANIZATION, new_id(), stored)
    shown += repr(refused.value) + repr(refused.value.__context__)
    for hidden in (SECRET, stored.wrapped_private, stored.wrapped_data_key):
        assert repr(hidden)[2:-1] not in shown
        assert hidden.hex() not in shown


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SecretKeyEncryption(b"short")


def test_only_the_signer_reads_wrapped_keys() -> None:
    package = Path(keys.__file__).parents[1]
    naming = {
        str(file.relative_to(package)) for file in package.rglob("*.py") if "wrapped_private" in file.read_text("utf-8")
    }
    assert naming == {"trust/keys.py", "trust/signer.py", "trust/tables.py"}
