"""The public URLs and DIDs of one installation, all made from its public origin (pure).

The origin is fixed when data is created: it is inside identifiers, DIDs and signatures. did:web forbids IP addresses
and writes the colon of a port as `%3A`.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote
from uuid import UUID

_DID_WEB = "did:web:"
_STATUS = re.compile(r"/status/(?P<handle>[^/\x00]+)/(?P<purpose>[a-z]+)/(?P<number>[1-9][0-9]{0,8})")
_REVOCATIONS = "/revocation/"
_SUSPENSIONS = "/suspension/"
_VERSION = re.compile(r"/specs/(?P<slug>[^/\x00]+)/versions/(?P<semver>[^/\x00]+?)(?P<spec_json>/spec\.json)?")


def suspensions_beside(url: str) -> str | None:
    """The place of the list of suspensions beside a list of revocations; None for any other URL."""
    head, found, number = url.rpartition(_REVOCATIONS)
    return f"{head}{_SUSPENSIONS}{number}" if found and number.isdecimal() else None


@dataclass(frozen=True)
class Addresses:
    """Names what this installation publishes; `origin` is scheme and host, with no slash at the end."""

    origin: str

    def __post_init__(self) -> None:
        scheme, separator, host = self.origin.partition("://")
        if scheme not in {"http", "https"} or not separator or not host or "/" in host:
            raise ValueError(f"{self.origin!r} is no origin; write it as https://host or http://localhost:4600")

    def did(self, handle: str) -> str:
        """Give the did:web of an organization: `did:web:localhost%3A4600:orgs:northgate`."""
        return f"{_DID_WEB}{self.origin.partition('://')[2].replace(':', '%3A')}:orgs:{quote(handle, safe='')}"

    def handle(self, did: str) -> str | None:
        """Give the handle of an organization of this installation, or None for any other DID."""
        start = self.did("")
        handle = unquote(did[len(start) :]) if did.startswith(start) else ""
        return handle if handle and "\x00" not in handle and self.did(handle) == did else None

    def organization(self, handle: str) -> str:
        """Give the page of an organization."""
        return f"{self.origin}/orgs/{handle}"

    def did_document(self, handle: str) -> str:
        """Give the place where did:web looks for the organization's document."""
        return f"{self.origin}/orgs/{handle}/did.json"

    def spec(self, slug: str) -> str:
        """Give the stable identifier of a spec, over all versions."""
        return f"{self.origin}/specs/{slug}"

    def version(self, slug: str, semver: str) -> str:
        """Give the identifier of one version: the `id` of its Achievement, and the place of its frozen bytes."""
        return f"{self.origin}/specs/{slug}/versions/{semver}"

    def spec_json(self, slug: str, semver: str) -> str:
        """Give the place of a version's `spec.json`."""
        return f"{self.version(slug, semver)}/spec.json"

    def endorsement(self, endorsement_id: UUID) -> str:
        """Give the identifier and place of a signed endorsement."""
        return f"{self.origin}/endorsements/{endorsement_id}"

    def award(self, award_id: UUID) -> str:
        """Give the identifier of an award's credential; it is served under the award's sealed id only."""
        return f"{self.origin}/awards/{award_id}"

    def status_list(self, handle: str, purpose: str, number: int) -> str:
        """Give the identifier and place of a status list."""
        return f"{self.origin}/status/{handle}/{purpose}/{number}"

    def read_status_list(self, url: str) -> tuple[str, str, int] | None:
        """Undo `status_list`: handle, purpose, number; None for any other URL."""
        found = _STATUS.fullmatch(url.removeprefix(self.origin)) if url.startswith(self.origin) else None
        return (found["handle"], found["purpose"], int(found["number"])) if found else None

    def read_version(self, url: str) -> tuple[str, str, bool] | None:
        """Undo `version` and `spec_json`: slug, semver, whether `spec.json` is meant; None for any other URL."""
        found = _VERSION.fullmatch(url.removeprefix(self.origin)) if url.startswith(self.origin) else None
        return (found["slug"], found["semver"], found["spec_json"] is not None) if found else None
