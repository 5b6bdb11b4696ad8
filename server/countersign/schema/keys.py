"""Signing keys at the front desk."""

import enum
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.organizations.views import APPROVAL
from countersign.reads.args import Call
from countersign.reads.bind import arg, bound, column, connection, entity, find, one, slot
from countersign.schema.approvals import Approval
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.organizations import Organization
from countersign.schema.problems import StepUpRequiredError
from countersign.trust import key_commands
from countersign.trust.canonical_codes import ed25519_multibase
from countersign.trust.views import SIGNING_KEY


@strawberry.enum(description="What a signing key is good for.")
class SigningKeyState(enum.Enum):
    """What a signing key is good for."""

    IN_USE = strawberry.enum_value("in_use", description="It signs.")
    RETIRED = strawberry.enum_value("retired", description="It signs no more; what it signed stays good.")
    COMPROMISED = strawberry.enum_value("compromised", description="Nothing that it signed is believed any more.")


def _multibase(raw: bytes, _call: Call) -> str:
    return ed25519_multibase(raw)


@bound(SIGNING_KEY, description="A key with which an organization signs; this is its public half.")
class SigningKey(Node):
    """A key with which an organization signs."""

    name: str = column(description="Its name, unique in its organization: the fragment of its DID URL.")
    state: SigningKeyState = column(description="What it is good for.")
    algorithm: str = column(description="Its algorithm.")
    public_key_multibase: str = slot(
        payload="{t}.public", maker=_multibase, description="The public key as DID documents write it (Multikey)."
    )
    verification_method: str = column(description="Its DID URL, which stands in every proof that it made.")
    created_at: datetime = column(description="When it was made.")
    retired_at: datetime | None = column(description="When it was taken out of use.")
    compromised_at: datetime | None = column(description="Since when it may have been in other hands.")
    organization: Organization = one(on="{child}.id = {parent}.organization_id", description="Who signs with it.")


@strawberry.input(description="Which signing keys; all conditions must hold.")
class SigningKeyFilter:
    """Which signing keys."""

    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those of this organization."
    )


@strawberry.type
class KeyQueries:
    """Root fields."""

    signing_key: SigningKey | None = find(description="One signing key.")
    signing_keys: Connection[SigningKey] = connection(
        where={"filter.organizationId": "{child}.organization_id = {value:id(org)}"},
        args={"filter": arg(SigningKeyFilter | None, "Which of them.")},
        description="The signing keys of organizations, those of the past too.",
    )


@strawberry.input(description="That your organization wants a new signing key.")
class AddSigningKeyInput(CommandInput):
    """A new key."""

    motive: str = strawberry.field(default="", description="Why, for the person who approves it.")


@strawberry.input(description="Which key your organization signs with no more.")
class RetireSigningKeyInput(CommandInput):
    """A retirement."""

    signing_key_id: strawberry.ID = strawberry.field(description="The key, of your own organization, in use.")


@strawberry.input(description="Which key is not to be believed any more.")
class MarkKeyCompromisedInput(CommandInput):
    """A mark."""

    signing_key_id: strawberry.ID = strawberry.field(description="The key, of your own organization.")
    since: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Since when it may have been in other hands; now if left out."
    )
    motive: str = strawberry.field(default="", description="Why, for the person who approves it.")


@payload(description="The proposal.", errors=(StepUpRequiredError,))
class AddSigningKeyPayload:
    """The proposal."""

    approval: Approval | None = entity(description="The proposal: the key is made when another person approves it.")


@payload(description="The retired key.", errors=(StepUpRequiredError,))
class RetireSigningKeyPayload:
    """The retired key."""

    signing_key: SigningKey | None = entity(description="The retired key.")


@payload(description="The proposal.", errors=(StepUpRequiredError,))
class MarkKeyCompromisedPayload:
    """The proposal."""

    approval: Approval | None = entity(description="The proposal: the key is marked when another person approves it.")


async def _add(tx: Tx, actor: Actor, given: AddSigningKeyInput, _tools: Tools) -> Mapping[str, str]:
    return {"approval": public_id(APPROVAL.tag, await key_commands.propose_key(tx, actor, given.motive))}


async def _retire(tx: Tx, actor: Actor, given: RetireSigningKeyInput, tools: Tools) -> Mapping[str, str]:
    key = await key_commands.retire(tx, actor, tools.signer.addresses, _reference(given.signing_key_id))
    return {"signing_key": public_id(SIGNING_KEY.tag, key)}


async def _mark(tx: Tx, actor: Actor, given: MarkKeyCompromisedInput, _tools: Tools) -> Mapping[str, str]:
    wanted = key_commands.MarkCompromised(_reference(given.signing_key_id), given.since or None, given.motive)
    return {"approval": public_id(APPROVAL.tag, await key_commands.propose_compromise(tx, actor, wanted))}


def _reference(text: str) -> UUID:
    return reference(text, SIGNING_KEY.tag, "signing key", "signingKeyId")


@strawberry.type
class KeyMutations:
    """Root fields."""

    add_signing_key: AddSigningKeyPayload | None = command(
        AddSigningKeyInput,
        _add,
        permission=Permission.MANAGE_KEYS,
        lock=Lock.CREATES,
        description="Propose a new signing key for your organization; another person approves it.",
    )
    retire_signing_key: RetireSigningKeyPayload | None = command(
        RetireSigningKeyInput,
        _retire,
        permission=Permission.MANAGE_KEYS,
        lock=Lock.STATE,
        because="a key is taken out of use once; what it signed stays good",
        description="Sign no more with a key, without a new one: add one to go on signing.",
    )
    mark_key_compromised: MarkKeyCompromisedPayload | None = command(
        MarkKeyCompromisedInput,
        _mark,
        permission=Permission.MANAGE_KEYS,
        lock=Lock.STATE,
        because="a key is marked once, and of two proposals the second is refused",
        description="Propose that a key, and all that it signed, be believed no more; another person approves it.",
    )
