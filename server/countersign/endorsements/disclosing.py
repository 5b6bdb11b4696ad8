"""Who may sign for a version, and which ties to its school are signed with the endorsement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

import asyncpg

from countersign.conflicts import service as conflicts
from countersign.conflicts.rules_findings import Finding, Outcome
from countersign.endorsements import rules
from countersign.endorsements.evidence import AUDIENCE, Evidence, EvidenceKind, ToolchainConfirmation
from countersign.kit.db import Tx
from countersign.kit.errors import Code, NotFound, Refusal
from countersign.specs.service import FrozenVersion
from countersign.trust import documents


class TieCameToLight(Refusal):
    """A tie to the school has come to light since this was endorsed ({why}); endorse again, and it is disclosed."""

    code = Code.CONFLICT_OF_INTEREST


async def check_endorser(
    tx: Tx, organization_id: UUID, version: FrozenVersion, tools: Iterable[str] = ()
) -> tuple[asyncpg.Record, Finding]:
    """Refuse an organization that may not sign for this version at this moment; answers its names, and its ties.

    `tools` are those that it confirms. Its row is locked against change until the commit. Raises NotAllowed,
    Unverified, ConflictOfInterest.
    """
    endorser = await tx.fetchrow(
        "select handle, display_name, kind, verification from organizations where id = $1 for share", organization_id
    )
    if endorser is None:
        raise NotFound(what="organization")
    rules.check_kind(endorser["kind"])
    rules.check_authority(endorser["verification"])
    found = await conflicts.check(
        *(tx, organization_id, version.organization_id),
        who=endorser["display_name"],
        version_id=version.id,
        tools=tools,
    )
    return endorser, found


async def check_disclosed(tx: Tx, row: asyncpg.Record, version: FrozenVersion) -> None:
    """As `check_endorser`, for an endorsement that is to be signed: what is found now must stand in its document.

    Raises TieCameToLight besides. A tie that is no more stays disclosed: it is what the signatory said.
    """
    tools = await tx.fetch(
        "select t.item->>'name' as name from endorsement_evidence v, jsonb_array_elements(v.payload->'tools') t(item)"
        " where v.endorsement_id = $1 and v.kind = $2",
        *(row["id"], EvidenceKind.TOOLCHAIN_CONFIRMATION.value),
    )
    _, found = await check_endorser(tx, row["organization_id"], version, [tool["name"] for tool in tools])
    news = [each["words"] for each in found.disclosures if each not in row["disclosures"]]
    if news:
        raise TieCameToLight(why="; ".join(news))


def confirmed_tools(pieces: Iterable[Evidence]) -> list[str]:
    """The names of all tools that the pieces confirm."""
    return [tool.name for piece in pieces if isinstance(piece, ToolchainConfirmation) for tool in piece.tools]


def disclosure(of: Mapping[str, str]) -> documents.Evidence:
    """A tie to the school as the credential tells it. Open Badges 3.0 has no term for it: it is readable evidence."""
    words = of["words"]
    counted = " It counts to no quorum." if of["outcome"] == Outcome.EXCLUDE.value else ""
    return documents.Evidence(
        "Disclosure of an interest",
        f"{words[:1].upper()}{words[1:]}.{counted}",
        f"Conflict of interest: {of['tie'].replace('_', ' ')}",
        AUDIENCE,
    )
