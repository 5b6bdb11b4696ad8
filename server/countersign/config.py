"""Settings: read once from the environment, frozen, and refused when they are unsafe."""

from __future__ import annotations

import contextlib
import enum
import ipaddress
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from countersign.accounts.providers import BadProviders, Provider, is_loopback
from countersign.accounts.providers import read as read_providers
from countersign.kit.waiting import FOR_A_CONNECTION
from countersign.notices.smtp import Security, Smtp

ROOT = Path(__file__).parents[2]
PORT = 4600
SMTP_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
SECRETS = ("secret", "key_encryption_key", "log_key")
_LEAST_SECRET = 32  # characters
_LEAST_VARIETY = 10  # different characters in a secret


class Mode(enum.StrEnum):
    """What the installation is for; `production` refuses everything that is only good enough for the others."""

    DEMO = "demo"
    DEV = "dev"
    PRODUCTION = "production"


class UnsafeSettings(Exception):
    """The settings cannot be used; `problems` says each fault and its remedy in one line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class Settings(BaseSettings):
    """Everything that may differ from one installation to another. Environment variables begin with COUNTERSIGN_."""

    # An empty variable is one that was left out: compose files and service units pass them so.
    model_config = SettingsConfigDict(
        env_prefix="COUNTERSIGN_", env_ignore_empty=True, frozen=True, extra="forbid", populate_by_name=True
    )

    mode: Mode = Mode.DEV
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = PORT
    data: Path = ROOT / ".data"
    public_origin: str = ""
    database_url: SecretStr | None = Field(None, validation_alias=AliasChoices("DATABASE_URL", "database_url"))
    database_read_url: SecretStr | None = Field(
        None, validation_alias=AliasChoices("DATABASE_READ_URL", "database_read_url")
    )
    database_owner_url: SecretStr | None = Field(
        None, validation_alias=AliasChoices("DATABASE_OWNER_URL", "database_owner_url")
    )
    secret: SecretStr = SecretStr("")
    key_encryption_key: SecretStr = SecretStr("")
    log_key: SecretStr = SecretStr("")
    oidc_providers: SecretStr = SecretStr("")  # JSON: a list of objects, see accounts/providers.py; it holds secrets
    log_format: Literal["console", "json"] = "console"
    pool_size: Annotated[int, Field(ge=1, le=100)] = 10
    database_wait_seconds: Annotated[float, Field(gt=0, le=600)] = FOR_A_CONNECTION  # for a connection of the pool
    budget_points: Annotated[int, Field(ge=5_000)] = 10_000  # no less than one operation may cost
    budget_restored: Annotated[float, Field(gt=0)] = 100.0  # points a second

    # The edge. Lists stand between commas; names of this machine are always ours outside production.
    allowed_hosts: str = ""
    allowed_origins: str = ""
    trusted_proxies: str = ""  # whose X-Forwarded-For is believed: addresses, networks
    connections_per_address: Annotated[int, Field(ge=1)] | None = None
    keep_alive_seconds: Annotated[float, Field(gt=0)] = 5.0
    request_seconds: Annotated[float, Field(gt=0)] = 5.0  # the deadline of an operation
    drain_seconds: Annotated[float, Field(ge=0, le=60)] = 2.0  # between SIGTERM and the end of listening
    trusted_documents: Literal["optional", "required"] = "optional"  # for whom only registered documents run: all
    # The mail server; without a host no mail is sent.
    smtp_host: str = ""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    smtp_security: Security = Security.STARTTLS
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_sender: str = ""
    http_draft: bool = False  # the newest draft of GraphQL over HTTP: 422 and 294

    @property
    def secret_bytes(self) -> bytes:
        """What sealed ids and cursors are made with."""
        return self.secret.get_secret_value().encode()

    @property
    def key_encryption_bytes(self) -> bytes:
        """What wraps the signing keys of organizations."""
        return self.key_encryption_key.get_secret_value().encode()

    @property
    def log_key_bytes(self) -> bytes:
        """What signs the checkpoints of the transparency log and seals audit events; never in the database."""
        return self.log_key.get_secret_value().encode()

    @property
    def providers(self) -> tuple[Provider, ...]:
        """With whom people may sign in. Raises BadProviders."""
        return read_providers(self.oidc_providers.get_secret_value())

    @property
    def mail_server(self) -> Smtp | None:
        """Where mail is handed in; None when there is none."""
        if not self.smtp_host:
            return None
        return Smtp(
            self.smtp_host,
            self.smtp_port or SMTP_PORTS[self.smtp_security],
            self.smtp_sender,
            self.smtp_security,
            self.smtp_user,
            self.smtp_password.get_secret_value(),
            own_name=urlsplit(self.public_origin).hostname or "localhost",
        )

    @property
    def dsn(self) -> str:
        """The primary's address. Raises UnsafeSettings while there is none."""
        if self.database_url is None:
            raise UnsafeSettings(["DATABASE_URL is not set and no embedded PostgreSQL was started"])
        return self.database_url.get_secret_value()

    @property
    def read_dsn(self) -> str | None:
        """A standby's address, when reads go there."""
        return self.database_read_url.get_secret_value() if self.database_read_url else None

    @property
    def owner_dsn(self) -> str | None:
        """The address of the tables' owner, which migrates and never serves; None when it is that of `dsn`."""
        return self.database_owner_url.get_secret_value() if self.database_owner_url else None

    def environment(self) -> dict[str, str]:
        """These settings as environment variables, for worker processes; they need no owner's password."""
        names = {"database_url": "DATABASE_URL", "database_read_url": "DATABASE_READ_URL"}
        shown: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is not None and name != "database_owner_url":
                text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                shown[names.get(name, f"COUNTERSIGN_{name.upper()}")] = text
        return shown


def load(**overrides: Any) -> Settings:
    """The settings of this process: `overrides` (the command line), then the environment, then defaults.

    Outside production, missing secrets are made once and kept in the data directory (0600). Raises UnsafeSettings,
    naming every problem, and OSError when the data directory cannot be written.
    """
    try:
        given = Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise UnsafeSettings([_sentence(problem) for problem in error.errors()]) from None
    filled: dict[str, Any] = {"data": given.data.absolute()}
    if not given.public_origin and given.mode is not Mode.PRODUCTION:
        filled["public_origin"] = f"http://localhost:{given.port}"
    if given.mode is not Mode.PRODUCTION:
        for name in SECRETS:
            if not getattr(given, name).get_secret_value():
                filled[name] = SecretStr(_kept_secret(filled["data"] / name))
    settings = given.model_copy(update=filled)
    if problems := check(settings):
        raise UnsafeSettings(problems)
    return settings


def check(settings: Settings) -> list[str]:
    """Every reason not to start with these settings, with its remedy; empty when they are safe."""
    problems = _origin_problems(settings)
    for name in SECRETS:
        problems += _secret_problems(f"COUNTERSIGN_{name.upper()}", getattr(settings, name).get_secret_value())
    if settings.secret_bytes and settings.secret == settings.key_encryption_key:
        problems.append("COUNTERSIGN_KEY_ENCRYPTION_KEY equals COUNTERSIGN_SECRET — make a second one")
    if settings.log_key_bytes and settings.log_key in {settings.secret, settings.key_encryption_key}:
        problems.append("COUNTERSIGN_LOG_KEY equals another secret — make one of its own")
    for name, url in (
        ("DATABASE_URL", settings.database_url),
        ("DATABASE_READ_URL", settings.database_read_url),
        ("DATABASE_OWNER_URL", settings.database_owner_url),
    ):
        if url and urlsplit(url.get_secret_value()).scheme not in {"postgresql", "postgres"}:
            problems.append(f"{name} is not a PostgreSQL address — write postgresql://USER:PASSWORD@HOST/DATABASE")
    if settings.database_read_url and not settings.database_url:
        problems.append("DATABASE_READ_URL is set without DATABASE_URL — set both or neither")
    if settings.database_owner_url and not settings.database_url:
        problems.append("DATABASE_OWNER_URL is set without DATABASE_URL — set both or neither")
    if settings.mode is Mode.DEMO and not is_loopback(settings.host):
        problems.append(f"the demo listens on this machine alone, not on {settings.host} — leave out --host")
    if settings.mode is Mode.DEV and not is_loopback(settings.host):
        problems.append(
            f"mode dev listens on this machine alone, not on {settings.host} — leave out --host,"
            " or set COUNTERSIGN_MODE=production"
        )
    return problems + _mail_problems(settings) + _provider_problems(settings)


def _mail_problems(settings: Settings) -> list[str]:
    if not settings.smtp_host:
        return []
    problems = []
    if "@" not in settings.smtp_sender or not settings.smtp_sender.isprintable():
        problems.append(
            "COUNTERSIGN_SMTP_SENDER is no address — write who sends mail: Countersign <notices@school.example>"
        )
    if settings.smtp_security is Security.NONE and not is_loopback(settings.smtp_host):
        problems.append(
            "COUNTERSIGN_SMTP_SECURITY is none, and addresses would cross the network unencrypted — set starttls or tls"
        )
    if bool(settings.smtp_user) != bool(settings.smtp_password.get_secret_value()):
        problems.append("COUNTERSIGN_SMTP_USER and COUNTERSIGN_SMTP_PASSWORD go together — set both or neither")
    return problems


def _provider_problems(settings: Settings) -> list[str]:
    name = "COUNTERSIGN_OIDC_PROVIDERS"
    try:
        providers = settings.providers
    except BadProviders as bad:
        return [f"{name} {bad} — see README, Sign-in"]
    if settings.mode is not Mode.PRODUCTION:
        return []
    if not providers:
        return [f"{name} is not set, so nobody could sign in — name an OpenID provider: see README, Sign-in"]
    return [
        f"{name}: {provider.name} is on this machine, without TLS — name a provider by its https address"
        for provider in providers
        if urlsplit(provider.issuer).scheme != "https"
    ]


def _origin_problems(settings: Settings) -> list[str]:
    origin, name = settings.public_origin, "COUNTERSIGN_PUBLIC_ORIGIN"
    if not origin:
        return [f"{name} is not set — set it to the address that the world sees, such as https://credentials.example"]
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or not parts.hostname or origin != f"{parts.scheme}://{parts.netloc}":
        return [f"{name} {origin!r} is not an origin — write scheme, host and port alone: https://credentials.example"]
    problems = []
    if _is_address(parts.hostname):
        problems.append(f"{name} {origin!r} names an IP address, which DIDs (did:web) forbid — use a host name")
    if settings.mode is Mode.PRODUCTION and parts.scheme != "https":
        problems.append(f"{name} {origin!r} is not https — production is served over TLS alone")
    return problems


def _secret_problems(name: str, secret: str) -> list[str]:
    remedy = f"make one: {name}=$(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')"
    if not secret:
        return [f"{name} is not set — {remedy}"]
    if len(secret) < _LEAST_SECRET or len(set(secret)) < _LEAST_VARIETY:
        return [f"{name} is too easy to guess — {remedy}"]
    return []


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _kept_secret(path: Path) -> str:
    """The secret in this file, made at first use; two processes that make it at once agree on one."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)
        fresh.unlink()
    return path.read_text()


def _sentence(problem: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in problem["loc"]).upper()
    shown = name if name.startswith("DATABASE") else f"COUNTERSIGN_{name}"
    return f"{shown} is wrong: {problem['msg']}"
