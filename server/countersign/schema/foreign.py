"""Endorsements from elsewhere at the front desk: imported with what was found of them, and shown apart."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Optional

import strawberry

from countersign.endorsements import foreign, foreign_checks
from countersign.endorsements.co_validation_views import CHECK, FETCHED, FINDING, FOREIGN
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import bound, column, entity, find, many, one
from countersign.schema.abilities import viewer_can
from countersign.schema.abilities_backing import ForeignEndorsementAbilities
from countersign.schema.base import CommandInput, Lock, Node, Tools, command, payload, reference
from countersign.schema.organizations import Organization

if TYPE_CHECKING:
    from countersign.schema.specs import SpecVersion


@strawberry.enum(description="How an endorsement from elsewhere was written.")
class ForeignEndorsementFormat(enum.Enum):
    """How an endorsement from elsewhere was written."""

    OPEN_BADGES_3 = strawberry.enum_value("open_badges_3", description="An EndorsementCredential in JSON.")
    OPEN_BADGES_3_JWT = strawberry.enum_value("open_badges_3_jwt", description="An EndorsementCredential as a JWT.")
    OPEN_BADGES_2 = strawberry.enum_value("open_badges_2", description="An Endorsement of Open Badges 2.0.")


@strawberry.enum(description="How one check ended.")
class CheckOutcome(enum.Enum):
    """How one check ended."""

    PASSED = strawberry.enum_value("passed", description="It went well.")
    FAILED = strawberry.enum_value("failed", description="It went wrong.")
    NOT_CHECKED = strawberry.enum_value("not_checked", description="It could not be made, which is neither.")
    NOT_REACHED = strawberry.enum_value(
        "not_reached", description="Who has to be asked for it gave no answer; it is asked again."
    )


@strawberry.enum(description="What an address elsewhere was asked for.")
class ForeignFetchPurpose(enum.Enum):
    """What an address elsewhere was asked for."""

    KEYS = strawberry.enum_value("keys", description="The keys of who made it: a DID document, or the like.")
    KEY = strawberry.enum_value("key", description="The one key that the token names by its address.")
    STATUS = strawberry.enum_value("status", description="The status list in which it would be shown as revoked.")
    SUSPENSIONS = strawberry.enum_value("suspensions", description="The list of suspensions beside that list.")
    HOSTED = strawberry.enum_value("hosted", description="The endorsement itself, at its own address.")
    ISSUER = strawberry.enum_value("issuer", description="The profile of who made it.")


@bound(FINDING, description="One check of an endorsement from elsewhere, as it ended.")
class ForeignFinding:
    """One check of an endorsement from elsewhere."""

    check: str = column(description="Which: contexts, schema, terms, proof, dates, status, digest, subject or issuer.")
    outcome: CheckOutcome = column(description="How it ended.")
    verdict: str = column(
        description="What that makes of it, in the words of the verifier: VALID, BAD_PROOF and so on."
    )
    detail: str = column(
        description="The same in a sentence; where nobody answered, with how long before it last passed."
    )
    path: str = column(description="Where in the document.")
    checked_at: datetime = column(description="When this was last found so.")
    passed_at: datetime | None = column(description="When this check last passed; null when it never did.")


@bound(FETCHED, description="An address elsewhere that was asked, and the digest of what it answered.")
class ForeignFetch:
    """An address that was asked."""

    purpose: ForeignFetchPurpose = column(description="What for.")
    url: str = column(description="The address.")
    sha256: str | None = column(description="The SHA-256 of the answer, in hexadecimal; null when there was none.")
    size: int | None = column(description="How many bytes the answer has; null when there was none.")
    problem: str | None = column(
        description="Why there was no answer, or none that can be read; null when all is well."
    )


@bound(CHECK, description="A look at an endorsement from elsewhere that found something new, or that somebody wanted.")
class ForeignCheck:
    """A look at an endorsement from elsewhere."""

    checked_at: datetime = column(description="When.")
    verified: bool = column(description="Whether it was verified from then on, until the next look.")
    wanted: bool = column(description="Whether somebody of the school wanted it; by itself it is looked at every day.")
    findings: list[ForeignFinding] = many(size=9, description="What was found, check by check.")
    fetched: list[ForeignFetch] = many(size=3, description="Who was asked.")


@bound(FOREIGN, description="An endorsement that was made elsewhere. It counts only where a policy says so.")
class ForeignEndorsement(Node):
    """An endorsement that was made elsewhere."""

    format: ForeignEndorsementFormat = column(description="How it was written.")
    issuer_id: str = column(description="Who made it, as it says.")
    issuer_name: str | None = column(description="The name of who made it, as it says.")
    statement: str = column(description="What it says.")
    source: str = column(description="Where the school says that it has it from.")
    sha256: str = column(description="The SHA-256 of its bytes, in hexadecimal.")
    size: int = column(description="How many bytes it has.")
    document: str = column(description="The document, byte for byte.")
    verified: bool = column(
        description="Whether everything that decides was checked and passed: form, signature, dates, status, subject,"
        " and that the operator knows who made it. It stays so for a week while nobody elsewhere answers."
    )
    valid_from: datetime | None = column(description="From when it is valid, as it says.")
    valid_until: datetime | None = column(description="Until when, as it says.")
    imported_at: datetime = column(description="When it was imported, and first judged.")
    checked_at: datetime = column(description="When it was last judged, with what its issuer's server says.")
    proved_at: datetime | None = column(description="When everything last passed; null when it never did.")
    check_due_at: datetime | None = column(
        description="When its issuer's server is asked next; null when that happens only on request."
    )
    withdrawn_at: datetime | None = column(description="When the school withdrew it.")
    findings: list[ForeignFinding] = many(size=9, description="What was found last, check by check.")
    fetched: list[ForeignFetch] = many(size=3, description="Who was asked when something new was last found.")
    checks: list[ForeignCheck] = many(
        on="{child}.foreign_endorsement_id = {parent}.id",
        order="{child}.checked_at desc, {child}.id desc",
        limit=10,
        description="Looks that found something new or were wanted; the latest ten, newest first.",
    )
    school: Organization = one(on="{child}.id = {parent}.organization_id", description="The school that imported it.")
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_version_id", description="The version for which it was imported."
    )
    viewer_can: ForeignEndorsementAbilities = viewer_can()


@strawberry.type
class ForeignQueries:
    """Root fields."""

    foreign_endorsement: ForeignEndorsement | None = find(description="One endorsement from elsewhere.")


@strawberry.input(description="An endorsement from elsewhere for a version of your school.")
class ImportForeignEndorsementInput(CommandInput):
    """An import."""

    spec_version_id: strawberry.ID = strawberry.field(description="The version that it is about.")
    document: str = strawberry.field(
        description="Its whole text: an EndorsementCredential in JSON or as a JWT, or an Open Badges 2.0 Endorsement."
    )
    source: str = strawberry.field(description="Where you have it from: an address, a letter, a name.")


@strawberry.input(description="Which imported endorsement you withdraw.")
class WithdrawForeignEndorsementInput(CommandInput):
    """A withdrawal."""

    foreign_endorsement_id: strawberry.ID = strawberry.field(description="One that your school imported.")


@strawberry.input(description="Which imported endorsement is checked anew.")
class RecheckForeignEndorsementInput(CommandInput):
    """A look."""

    foreign_endorsement_id: strawberry.ID = strawberry.field(description="One that your school imported.")


@payload(description="The imported endorsement, with what was found.")
class ImportForeignEndorsementPayload:
    """The imported endorsement."""

    foreign_endorsement: ForeignEndorsement | None = entity(
        description="The imported endorsement. When its issuer takes longer than three seconds to answer, some checks"
        " are still NOT_CHECKED: ask for it again."
    )


@payload(description="The withdrawn endorsement.")
class WithdrawForeignEndorsementPayload:
    """The withdrawn endorsement."""

    foreign_endorsement: ForeignEndorsement | None = entity(description="The withdrawn endorsement; it is kept.")


@payload(description="The endorsement, after its issuer was asked.")
class RecheckForeignEndorsementPayload:
    """The endorsement, after its issuer was asked."""

    foreign_endorsement: ForeignEndorsement | None = entity(
        description="The endorsement, with what was found now; unchanged when its issuer takes longer than three"
        " seconds, then ask for it again."
    )


async def _import(tx: Tx, actor: Actor, given: ImportForeignEndorsementInput, tools: Tools) -> Mapping[str, str]:
    version = reference(given.spec_version_id, "version", "version", "specVersionId")
    wanted = foreign.ImportForeign(version, given.document, given.source)
    made = await foreign.import_endorsement(tx, actor, wanted, tools.signer.workers)
    return {"foreign_endorsement": public_id(FOREIGN.tag, made)}


async def _withdraw(tx: Tx, actor: Actor, given: WithdrawForeignEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.foreign_endorsement_id, FOREIGN.tag, "endorsement", "foreignEndorsementId")
    return {"foreign_endorsement": public_id(FOREIGN.tag, await foreign.withdraw(tx, actor, key))}


async def _recheck(tx: Tx, actor: Actor, given: RecheckForeignEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.foreign_endorsement_id, FOREIGN.tag, "endorsement", "foreignEndorsementId")
    return {"foreign_endorsement": public_id(FOREIGN.tag, await foreign_checks.ask(tx, actor, key))}


async def _settle(tools: Tools, made: Mapping[str, str]) -> None:
    """Its issuer is asked before the answer is read, when that takes less than three seconds."""
    key = reference(made["foreign_endorsement"], FOREIGN.tag, "endorsement")
    await foreign_checks.settle(tools.db, tools.fetcher, tools.signer.workers, key)


@strawberry.type
class ForeignMutations:
    """Root fields."""

    import_foreign_endorsement: ImportForeignEndorsementPayload | None = command(
        ImportForeignEndorsementInput,
        _import,
        permission=Permission.IMPORT_ENDORSEMENT,
        lock=Lock.CREATES,
        description="Import an endorsement that was made elsewhere; it is judged now and kept with what is found. Where"
        " its issuer publishes keys, a status list or the endorsement itself, they are asked for.",
        after=_settle,
    )
    recheck_foreign_endorsement: RecheckForeignEndorsementPayload | None = command(
        RecheckForeignEndorsementInput,
        _recheck,
        permission=Permission.IMPORT_ENDORSEMENT,
        lock=Lock.STATE,
        because="its issuer's own answer decides, whoever asks and however often",
        description="Have an imported endorsement judged anew, with what its issuer's server says now; at most once a"
        " minute.",
        after=_settle,
    )
    withdraw_foreign_endorsement: WithdrawForeignEndorsementPayload | None = command(
        WithdrawForeignEndorsementInput,
        _withdraw,
        permission=Permission.IMPORT_ENDORSEMENT,
        lock=Lock.STATE,
        because="it ends once, and what was found stays to be read",
        description="Show an imported endorsement no more; it is kept, and counts no more from now on.",
    )
