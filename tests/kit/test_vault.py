"""What is sealed opens for its owner and column alone, and for nobody once the key is gone."""

from __future__ import annotations

from uuid import UUID

import pytest

from countersign.kit.db import Tx
from countersign.kit.ids import new_id
from countersign.kit.vault import NO_VAULT, WRAPPED_BYTES, Key, NotReadable, Vault, key_of

VAULT = Vault(b"one key-encryption key, of tests")
FILE = UUID(int=7)


def key(number: int = 1) -> tuple[Key, bytes]:
    return VAULT.new_learner_key(number)


def test_a_value_opens_again_and_shows_nothing_meanwhile() -> None:
    mine, wrapped = key()
    sealed = mine.seal("learners.email", "anna@example.com")
    assert b"anna" not in sealed
    assert len(wrapped) == WRAPPED_BYTES
    assert VAULT.learner_key(1, wrapped).open("learners.email", sealed) == b"anna@example.com"


def test_the_same_text_is_never_sealed_to_the_same_bytes() -> None:
    mine, _ = key()
    assert len({mine.seal("learners.email", "anna@example.com") for _ in range(50)}) == 50


def test_another_column_another_learner_or_another_byte_opens_nothing() -> None:
    mine, wrapped = key()
    sealed = mine.seal("learners.email", "anna@example.com")
    other, _ = key(2)
    assert mine.open("learners.email", sealed) == b"anna@example.com"
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for attempt in (
        lambda: mine.open("learners.full_name", sealed),
        lambda: other.open("learners.email", sealed),
        lambda: mine.open("learners.email", changed),
        lambda: mine.open("learners.email", b"anna@example.com"),
        lambda: mine.open("learners.email", b""),
        lambda: VAULT.learner_key(2, wrapped),
        lambda: VAULT.file_key(FILE, wrapped),
        lambda: Vault(b"another key-encryption key " * 2).learner_key(1, wrapped),
    ):
        with pytest.raises(NotReadable):
            attempt()


def test_a_files_key_is_its_own() -> None:
    mine, wrapped = VAULT.new_file_key(FILE)
    sealed = mine.seal("uploads.0", b"rows")
    assert VAULT.file_key(FILE, wrapped).open("uploads.0", sealed) == b"rows"
    with pytest.raises(NotReadable):
        VAULT.file_key(UUID(int=8), wrapped)


def test_a_mark_depends_on_purpose_parts_and_key() -> None:
    marks = {
        VAULT.mac("email", b"a"),
        VAULT.mac("email", b"a", b""),
        VAULT.mac("email", b"", b"a"),
        VAULT.mac("emaila"),
        VAULT.mac("roster", b"a"),
        Vault(b"another key-encryption key " * 2).mac("email", b"a"),
    }
    assert len(marks) == 6
    assert VAULT.mac("email", b"a") in marks
    assert {len(mark) for mark in marks} == {32}


def test_neither_vault_nor_key_prints_a_secret() -> None:
    mine, _ = key()
    assert repr(VAULT) == "Vault(…)"
    assert repr(mine) == "Key(…)"


def test_a_short_secret_and_a_missing_vault_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(b"short")
    with pytest.raises(LookupError, match="without a vault"):
        NO_VAULT.new_learner_key(1)


async def test_a_learner_without_a_key_is_nobody_any_more(tx: Tx) -> None:
    learner_id = int.from_bytes(new_id().bytes[:6], "big")
    mine, wrapped = tx.vault.new_learner_key(learner_id)
    sealed = mine.seal("learners.email", "anna@example.com")
    await tx.execute(
        "insert into learner_keys (learner_id, wrapped, made_at) values ($1, $2, $3)",
        learner_id,
        wrapped,
        await tx.now(),
    )
    found = await key_of(tx, learner_id)
    assert found is not None
    assert found.open("learners.email", sealed) == b"anna@example.com"
    await tx.execute("delete from learner_keys where learner_id = $1", learner_id)
    assert await key_of(tx, learner_id) is None
