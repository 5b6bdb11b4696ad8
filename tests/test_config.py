"""Settings are read once, frozen, and refused when they are unsafe."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from countersign import config
from countersign.config import Mode, Settings, UnsafeSettings

SAFE: dict[str, Any] = {
    "mode": Mode.PRODUCTION,
    "public_origin": "https://credentials.example",
    "secret": SecretStr("kB7x0vRr5mQ2tWz9Lh3nYc8pDf6sGj4a"),
    "key_encryption_key": SecretStr("Zq1Xw2Ce3Vr4Bt5Ny6Mu7Ik8Ol9Pa0Sd"),
    "log_key": SecretStr("Hj4Gf7Kd2Ls9Qa1Wz8Xe5Cr3Vt6By0Nu"),
    "database_url": SecretStr("postgresql://app:pw@db.example/countersign"),
    "oidc_providers": SecretStr(
        '[{"name": "people", "issuer": "https://people.example", "client_id": "portal", "client_secret": "hush-hush"}]'
    ),
}


def provider(**change: object) -> SecretStr:
    """The setting of one provider, changed."""
    named = {"name": "people", "issuer": "https://people.example", "client_id": "portal", "client_secret": "hush-hush"}
    return SecretStr(json.dumps([named | change]))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's shell has set stays out."""
    for name in ("DATABASE_URL", "DATABASE_READ_URL", *(f"COUNTERSIGN_{f.upper()}" for f in Settings.model_fields)):
        monkeypatch.delenv(name, raising=False)


def test_safe_production_settings_are_taken(tmp_path: Path) -> None:
    settings = config.load(data=tmp_path, **SAFE)
    assert settings.dsn == "postgresql://app:pw@db.example/countersign"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"public_origin": ""}, "COUNTERSIGN_PUBLIC_ORIGIN is not set — set it to"),
        ({"public_origin": "http://credentials.example"}, "is not https"),
        ({"public_origin": "https://credentials.example/portal"}, "is not an origin"),
        ({"public_origin": "https://192.0.2.7"}, "names an IP address, which DIDs (did:web) forbid"),
        ({"secret": SecretStr("")}, "COUNTERSIGN_SECRET is not set — make one: COUNTERSIGN_SECRET=$(python3"),
        ({"secret": SecretStr("a" * 64)}, "COUNTERSIGN_SECRET is too easy to guess"),
        ({"key_encryption_key": SecretStr("change-me")}, "COUNTERSIGN_KEY_ENCRYPTION_KEY is too easy to guess"),
        ({"key_encryption_key": SAFE["secret"]}, "equals COUNTERSIGN_SECRET"),
        ({"log_key": SecretStr("")}, "COUNTERSIGN_LOG_KEY is not set — make one: COUNTERSIGN_LOG_KEY=$(python3"),
        ({"log_key": SAFE["secret"]}, "COUNTERSIGN_LOG_KEY equals another secret"),
        ({"database_url": SecretStr("mysql://x")}, "DATABASE_URL is not a PostgreSQL address"),
        ({"database_url": None, "database_read_url": SecretStr("postgresql://x")}, "set without DATABASE_URL"),
        ({"port": 70000}, "COUNTERSIGN_PORT is wrong"),
        ({"smtp_host": "mail.example"}, "COUNTERSIGN_SMTP_SENDER is no address"),
        (
            {"smtp_host": "mail.example", "smtp_sender": "a@b.example\r\nBcc: c@d"},
            "COUNTERSIGN_SMTP_SENDER is no address",
        ),
        (
            {"smtp_host": "mail.example", "smtp_sender": "a@b.example", "smtp_security": "none"},
            "COUNTERSIGN_SMTP_SECURITY is none, and addresses would cross the network unencrypted",
        ),
        (
            {"smtp_host": "mail.example", "smtp_sender": "a@b.example", "smtp_user": "portal"},
            "COUNTERSIGN_SMTP_USER and COUNTERSIGN_SMTP_PASSWORD go together",
        ),
        ({"oidc_providers": SecretStr("")}, "COUNTERSIGN_OIDC_PROVIDERS is not set, so nobody could sign in"),
        ({"oidc_providers": SecretStr("[]")}, "COUNTERSIGN_OIDC_PROVIDERS is not set, so nobody could sign in"),
        ({"oidc_providers": SecretStr("{")}, "COUNTERSIGN_OIDC_PROVIDERS is not JSON"),
        ({"oidc_providers": SecretStr("{}")}, "is not a list"),
        ({"oidc_providers": provider(issuer="http://people.example")}, "the issuer is an https address"),
        ({"oidc_providers": provider(issuer="http://localhost:3000")}, "is on this machine, without TLS"),
        ({"oidc_providers": provider(client_secret="")}, "number 1 has no client_secret"),
        ({"oidc_providers": provider(algorithms=["none"])}, "algorithms are some of RS256"),
        ({"oidc_providers": provider(algorithms=["HS256"])}, "algorithms are some of RS256"),
        ({"oidc_providers": provider(algorithms=[])}, "algorithms are some of RS256"),
        ({"oidc_providers": provider(jwks_uri="http://people.example/keys")}, "jwks_uri is an https address"),
        ({"oidc_providers": provider(name="../people")}, "a name has small Latin letters"),
        ({"oidc_providers": provider(redirect="x")}, "is not an object of"),
        ({"log_format": "xml"}, "COUNTERSIGN_LOG_FORMAT is wrong"),
    ],
)
def test_unsafe_production_settings_are_refused_with_the_remedy(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        config.load(data=tmp_path, **(SAFE | change))
    assert len(refused.value.problems) == 1
    assert sentence in refused.value.problems[0]
    assert list(tmp_path.iterdir()) == []


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        config.load(mode=Mode.PRODUCTION, data=tmp_path)
    assert [p.split()[0] for p in refused.value.problems] == [
        "COUNTERSIGN_PUBLIC_ORIGIN",
        "COUNTERSIGN_SECRET",
        "COUNTERSIGN_KEY_ENCRYPTION_KEY",
        "COUNTERSIGN_LOG_KEY",
        "COUNTERSIGN_OIDC_PROVIDERS",
    ]


def test_the_demo_listens_on_this_machine_alone(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings, match="leave out --host"):
        config.load(mode=Mode.DEMO, data=tmp_path, host="0.0.0.0")  # noqa: S104
    with pytest.raises(UnsafeSettings, match="mode dev listens on this machine alone"):
        config.load(mode=Mode.DEV, data=tmp_path, host="0.0.0.0")  # noqa: S104
    assert config.load(mode=Mode.DEMO, data=tmp_path, host="::1").host == "::1"


def test_demo_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    first = config.load(mode=Mode.DEMO, data=tmp_path / "data")
    again = config.load(mode=Mode.DEMO, data=tmp_path / "data")
    assert first.secret == again.secret != first.key_encryption_key == again.key_encryption_key
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == ["key_encryption_key", "log_key", "secret"]
    assert {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "data").iterdir()} == {0o600}
    assert first.public_origin == "http://localhost:4600"


def test_no_secret_is_shown_by_the_settings(tmp_path: Path) -> None:
    settings = config.load(data=tmp_path, **SAFE)
    shown = f"{settings!r} {settings}"
    for secret in (SAFE["secret"], SAFE["key_encryption_key"], SAFE["log_key"], SAFE["database_url"]):
        assert secret.get_secret_value() not in shown
    assert "hush-hush" not in f"{shown} {settings.providers}"


def test_settings_do_not_change(tmp_path: Path) -> None:
    settings = config.load(data=tmp_path, **SAFE)
    with pytest.raises(ValidationError):
        settings.port = 1


def test_a_worker_process_reads_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config.load(data=tmp_path, **SAFE)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert config.load() == settings


def test_an_empty_variable_is_one_that_was_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "COUNTERSIGN_PORT", "COUNTERSIGN_MODE"):
        monkeypatch.setenv(name, "")
    settings = config.load(data=tmp_path)
    assert (settings.database_url, settings.port, settings.mode) == (None, config.PORT, Mode.DEV)
