"""What schools do with specifications, as mutations."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotFound
from countersign.kit.ids import parse_public_id, public_id
from countersign.reads.bind import entity
from countersign.schema.base import CommandInput, GuardedInput, Lock, Tools, command, payload
from countersign.schema.problems import StaleVersionError
from countersign.schema.specs import CredentialSpec, SpecDraft, SpecKind, SpecVersion
from countersign.schema.specs_input import SpecContentInput, to_json
from countersign.specs import service
from countersign.specs.rules import Kind


def _key(text: str, tag: str, what: str, field: str) -> UUID:
    """The UUID of a public id; a malformed one is no different from one that nobody has."""
    found = parse_public_id(text)
    if found is None or found[0] != tag:
        raise NotFound(what=what, path=(field,))
    return found[1]


@strawberry.input(description="A new specification of your school.")
class CreateSpecInput(CommandInput):
    """A new specification."""

    slug: str = strawberry.field(description="Its short name in addresses; it never changes.")
    kind: SpecKind = strawberry.field(default=SpecKind.BLOCK, description="What it is in a line of credentials.")
    content: SpecContentInput = strawberry.field(description="What its first draft says.")


@payload(description="The new specification and its draft.")
class CreateSpecPayload:
    """The new specification and its draft."""

    spec: CredentialSpec | None = entity(description="The new specification.")
    draft: SpecDraft | None = entity(description="Its first draft.")


async def create_spec(tx: Tx, actor: Actor, given: CreateSpecInput, _tools: Tools) -> Mapping[str, str]:
    """Make a specification and its first draft."""
    kind = Kind(given.kind.name.lower())
    made = await service.create(tx, actor, service.Create(given.slug, to_json(given.content), kind))
    return {"spec": public_id("spec", made.spec_id), "draft": public_id("draft", made.draft_id)}


@strawberry.input(description="New content of a draft, in the place of the whole old one.")
class EditDraftInput(GuardedInput):
    """New content of a draft."""

    draft_id: strawberry.ID = strawberry.field(description="Which draft.")
    content: SpecContentInput = strawberry.field(
        description="All that it says from now on; what is left out it says no more."
    )


@payload(description="The edited draft.", errors=(StaleVersionError,))
class EditDraftPayload:
    """The edited draft."""

    draft: SpecDraft | None = entity(description="The draft at its new revision.")


async def edit_draft(tx: Tx, actor: Actor, given: EditDraftInput, _tools: Tools) -> Mapping[str, str]:
    """Replace a draft's content."""
    draft_id = _key(given.draft_id, "draft", "draft", "draftId")
    edit = service.EditDraft(draft_id, to_json(given.content), given.if_unmodified_since)
    return {"draft": public_id("draft", await service.edit_draft(tx, actor, edit))}


@strawberry.input(description="Freeze a draft under a version number.")
class SubmitSpecInput(GuardedInput):
    """Freeze a draft."""

    draft_id: strawberry.ID = strawberry.field(description="Which draft.")
    semver: str = strawberry.field(description="The new version's number, MAJOR.MINOR.PATCH; greater than all before.")


@payload(description="The frozen version.", errors=(StaleVersionError,))
class SubmitSpecPayload:
    """The frozen version."""

    version: SpecVersion | None = entity(description="The new version.")


async def submit_spec(tx: Tx, actor: Actor, given: SubmitSpecInput, _tools: Tools) -> Mapping[str, str]:
    """Freeze a draft into an immutable version."""
    draft_id = _key(given.draft_id, "draft", "draft", "draftId")
    version_id = await service.submit(tx, actor, service.Submit(draft_id, given.semver, given.if_unmodified_since))
    return {"version": public_id("version", version_id)}


@strawberry.input(description="Publish a version.")
class PublishSpecInput(CommandInput):
    """Publish a version."""

    version_id: strawberry.ID = strawberry.field(description="Which version.")


@strawberry.input(description="Stop taking new learners for a version.")
class DeprecateSpecInput(CommandInput):
    """Deprecate a version."""

    version_id: strawberry.ID = strawberry.field(description="Which version.")


@strawberry.input(description="Stop awarding a deprecated version.")
class RetireSpecInput(CommandInput):
    """Retire a version."""

    version_id: strawberry.ID = strawberry.field(description="Which version.")


@strawberry.input(description="Take back a version that is not published yet.")
class WithdrawSpecInput(CommandInput):
    """Withdraw a version."""

    version_id: strawberry.ID = strawberry.field(description="Which version.")


@payload(description="The published version.")
class PublishSpecPayload:
    """The published version."""

    version: SpecVersion | None = entity(description="The version in its new state.")


@payload(description="The deprecated version.")
class DeprecateSpecPayload:
    """The deprecated version."""

    version: SpecVersion | None = entity(description="The version in its new state.")


@payload(description="The retired version.")
class RetireSpecPayload:
    """The retired version."""

    version: SpecVersion | None = entity(description="The version in its new state.")


@payload(description="The withdrawn version.")
class WithdrawSpecPayload:
    """The withdrawn version."""

    version: SpecVersion | None = entity(description="The version in its new state.")


Moving = PublishSpecInput | DeprecateSpecInput | RetireSpecInput | WithdrawSpecInput
Verb = Callable[[Tx, Actor, UUID], Awaitable[UUID]]


def _moving(verb: Verb) -> Callable[[Tx, Actor, Moving, Tools], Awaitable[Mapping[str, str]]]:
    async def handle(tx: Tx, actor: Actor, given: Moving, _tools: Tools) -> Mapping[str, str]:
        version_id = _key(given.version_id, "version", "version", "versionId")
        return {"version": public_id("version", await verb(tx, actor, version_id))}

    return handle


@strawberry.input(description="Begin the next version from an old one.")
class CreateSpecVersionInput(CommandInput):
    """Begin the next version."""

    version_id: strawberry.ID = strawberry.field(description="The version whose content the draft begins with.")


@payload(description="The draft of the next version.")
class CreateSpecVersionPayload:
    """The draft of the next version."""

    draft: SpecDraft | None = entity(description="The new draft.")


async def create_spec_version(tx: Tx, actor: Actor, given: CreateSpecVersionInput, _tools: Tools) -> Mapping[str, str]:
    """Begin the next version from an old one."""
    version_id = _key(given.version_id, "version", "version", "versionId")
    return {"draft": public_id("draft", await service.new_draft_from(tx, actor, version_id))}


@strawberry.input(description="Begin a specification of your school from a catalogue entry.")
class CompleteListingInput(CommandInput):
    """Begin a specification from a listing."""

    listing_id: strawberry.ID = strawberry.field(description="Which listing.")
    slug: str | None = strawberry.field(
        default=strawberry.UNSET, description="The specification's slug; made of the title if left out."
    )


@payload(description="The new specification and its draft, with what the listing lacks as named gaps.")
class CompleteListingPayload:
    """The new specification and its draft."""

    spec: CredentialSpec | None = entity(description="The new specification.")
    draft: SpecDraft | None = entity(description="Its draft: what the listing says, and no more.")


async def complete_listing(tx: Tx, actor: Actor, given: CompleteListingInput, _tools: Tools) -> Mapping[str, str]:
    """Begin a specification from a listing."""
    listing_id = _key(given.listing_id, "listing", "listing", "listingId")
    slug = given.slug if isinstance(given.slug, str) else None
    made = await service.complete_listing(tx, actor, service.CompleteListing(listing_id, slug))
    return {"spec": public_id("spec", made.spec_id), "draft": public_id("draft", made.draft_id)}


FROZEN = "what the version says is frozen; its state moves one way, and each step is dated once"


@strawberry.type
class SpecMutations:
    """Root fields."""

    create_spec: CreateSpecPayload | None = command(
        CreateSpecInput,
        create_spec,
        permission=Permission.CREATE_SPEC,
        lock=Lock.CREATES,
        description="Make a specification with its first draft; what it lacks stays a named gap.",
    )
    edit_draft: EditDraftPayload | None = command(
        EditDraftInput,
        edit_draft,
        permission=Permission.EDIT_SPEC,
        lock=Lock.UNMODIFIED_SINCE,
        description="Replace the content of a draft.",
    )
    submit_spec: SubmitSpecPayload | None = command(
        SubmitSpecInput,
        submit_spec,
        permission=Permission.SUBMIT_SPEC,
        lock=Lock.UNMODIFIED_SINCE,
        description="Freeze a draft into a version whose bytes never change; now it can be reviewed and endorsed.",
    )
    publish_spec: PublishSpecPayload | None = command(
        PublishSpecInput,
        _moving(service.publish),
        permission=Permission.PUBLISH_SPEC,
        lock=Lock.STATE,
        because=FROZEN,
        description="Publish a version; refused while a mandatory element is missing.",
    )
    deprecate_spec: DeprecateSpecPayload | None = command(
        DeprecateSpecInput,
        _moving(service.deprecate),
        permission=Permission.PUBLISH_SPEC,
        lock=Lock.STATE,
        because=FROZEN,
        description="Stop taking new learners for a published version; who is enrolled finishes.",
    )
    retire_spec: RetireSpecPayload | None = command(
        RetireSpecInput,
        _moving(service.retire),
        permission=Permission.PUBLISH_SPEC,
        lock=Lock.STATE,
        because=FROZEN,
        description="Stop awarding a deprecated version; its awards stay valid.",
    )
    withdraw_spec: WithdrawSpecPayload | None = command(
        WithdrawSpecInput,
        _moving(service.withdraw),
        permission=Permission.PUBLISH_SPEC,
        lock=Lock.STATE,
        because=FROZEN,
        description="Take back a version before it is published; its number stays used.",
    )
    create_spec_version: CreateSpecVersionPayload | None = command(
        CreateSpecVersionInput,
        create_spec_version,
        permission=Permission.EDIT_SPEC,
        lock=Lock.CREATES,
        description="Begin the next version: a draft with the content of an old one.",
    )
    complete_listing: CompleteListingPayload | None = command(
        CompleteListingInput,
        complete_listing,
        permission=Permission.CREATE_SPEC,
        lock=Lock.CREATES,
        description="Begin a specification from a catalogue entry; nothing that it lacks is filled in.",
    )
