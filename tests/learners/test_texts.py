"""Consent texts: in both languages, and never changed once they were in force."""

from __future__ import annotations

from countersign.learners import texts
from countersign.learners.rules import Purpose

DIGESTS = {
    ("analytics", "2026-11-22", "en"): "fd63cee264e99ff42482f9939d82d5cdf197f4cc9d4707c1ebcd310559085b6d",
    ("analytics", "2026-11-22", "ru"): "ce89049e478ccfdf9c7a50eb097a5cfec4dad2e54d2c3b464e29d061ee6c4572",
    ("contact_by", "2026-11-22", "en"): "1e2e2163d0d55ee53e4497cb867eb6206c7b903d2b3b63cd88312a8c24700aa0",
    ("contact_by", "2026-11-22", "ru"): "6b4c439c5a77dca6e2a1bbc20108528ac44725a4e80a8e9a014c89c77501053e",
    ("outcome", "2026-11-22", "en"): "55119bddd0ba1b84f23269da487000bb601b106d09b7eb0a0b986e827e5713b9",
    ("outcome", "2026-11-22", "ru"): "789b801e5ffd53e2302d781e1f7a7e0ecbdd8493727d07c57f54bd71b41e4efd",
    ("public_profile", "2026-11-22", "en"): "127b0e0b887cf3af63f57ec89b874d01e90aa0b6ceb22f1804d2e20b8ecba22d",
    ("public_profile", "2026-11-22", "ru"): "78ba099e2a3dd2babcad7f83f76e5c9ab138f5335e23222557990933b88c1aea",
    ("talent_search", "2026-11-22", "en"): "10d95d28c34401028445c4019ea2b69ff666e77b3f78d96becaab343715391e0",
    ("talent_search", "2026-11-22", "ru"): "66f596dac02a264dc8c4436dfae1c33777679a4baf0b1bf68d09db038d3954eb",
}
"""What was ever in force. A new version adds its lines; a line is never changed and never taken out."""


def test_a_text_that_was_in_force_is_kept_byte_for_byte() -> None:
    found = {(t.purpose.value, t.version, t.language): t.sha256 for t in texts.TEXTS.values()}
    assert found == DIGESTS


def test_every_purpose_has_a_text_in_every_language_for_each_version() -> None:
    for purpose, version, _ in texts.TEXTS:
        assert all((purpose, version, language) in texts.TEXTS for language in texts.LANGUAGES)
    assert set(texts.IN_FORCE) == set(Purpose)
    assert all(text.title and text.body for text in texts.TEXTS.values())
