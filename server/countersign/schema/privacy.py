"""Privacy at the front desk: learners take a copy of everything that is kept of them, or have themselves erased."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.privacy import service
from countersign.privacy.views import DATA_COPY, ERASURE
from countersign.reads.args import Call
from countersign.reads.bind import bound, column, entity, slot
from countersign.reads.identity import Sealed
from countersign.schema.base import CommandInput, Lock, Node, Tools, command, payload
from countersign.schema.problems import StepUpRequiredError
from countersign.schema.scalars import URL

ROUTE: Final = Sealed()
OWN: Final = Sealed(id=None)
_ROUTE_BYTES: Final = 24


def _address(given: bytes, call: Call) -> str:
    """Where a copy is fetched: `<origin>/my-data/<sealed id>`."""
    route, origin = given[:_ROUTE_BYTES], given[_ROUTE_BYTES:].decode()
    return f"{origin}/my-data/{ROUTE.seal(call.sealer, call.actor, DATA_COPY.tag, route)}"


@bound(
    DATA_COPY,
    description="A copy of everything that is kept of you, which you had made; it goes after a day.",
    identity=ROUTE,
)
class DataCopy(Node):
    """A copy of a learner's data."""

    made_at: datetime = column(description="When it was made.")
    expires_at: datetime = column(description="When it goes.")
    available: bool = column(description="Whether it can be fetched now.")
    size: int = column(description="The size of the ZIP archive in bytes.")
    sha256: str = column(description="The SHA-256 of the archive, in lower-case hexadecimal.")
    url: URL = slot(
        payload=ROUTE.payload() + " || (select convert_to(i.value, 'UTF8') from installation i"
        " where i.key = 'public_origin')",
        maker=_address,
        description="Where to fetch the archive, as yourself; nobody else can.",
    )


@bound(ERASURE, description="That you were erased, and when.", identity=OWN, key_type="bigint")
class Erasure(Node):
    """An erasure."""

    erased_at: datetime = column(description="When it happened.")


@strawberry.input(description="A copy of everything that is kept of you.")
class ExportMyDataInput(CommandInput):
    """A copy of a learner's data."""

    credentials: bool = strawberry.field(
        default=True, description="Whether your signed credentials are files of their own besides."
    )


@strawberry.input(description="That you want to be erased, in so many words.")
class EraseMeInput(CommandInput):
    """An erasure."""

    confirmation: str = strawberry.field(
        description="Write “erase me for good”, or “удалите мои данные навсегда”: nobody can undo it."
    )


@payload(description="The copy.", errors=(StepUpRequiredError,))
class ExportMyDataPayload:
    """The copy."""

    copy: DataCopy | None = entity(description="The copy; fetch it within a day.")


@payload(description="Your erasure.", errors=(StepUpRequiredError,))
class EraseMePayload:
    """The erasure."""

    erasure: Erasure | None = entity(description="Your erasure; your sign-in and your tokens have ended with it.")


async def _export(tx: Tx, actor: Actor, given: ExportMyDataInput, tools: Tools) -> Mapping[str, str]:
    learner_id, copy_id = await service.make_copy(tx, actor, credentials=given.credentials)
    return {"copy": ROUTE.seal(tools.sealer, actor, DATA_COPY.tag, ROUTE.pack(learner_id, copy_id))}


async def _erase(tx: Tx, actor: Actor, given: EraseMeInput, tools: Tools) -> Mapping[str, str]:
    learner_id = await service.erase(tx, actor, given.confirmation)
    return {"erasure": OWN.seal(tools.sealer, actor, ERASURE.tag, OWN.pack(learner_id))}


@strawberry.type
class PrivacyMutations:
    """Root fields."""

    export_my_data: ExportMyDataPayload | None = command(
        ExportMyDataInput,
        _export,
        permission=Permission.EXPORT_MY_DATA,
        lock=Lock.CREATES,
        cost=50,
        description="Make a copy of everything that is kept of you: your rows, your signed credentials, and which "
        "organization saw you, when and why. A ZIP archive with JSON, for you alone, for a day.",
    )
    erase_me: EraseMePayload | None = command(
        EraseMeInput,
        _erase,
        permission=Permission.ERASE_ME,
        lock=Lock.STATE,
        because="the learner's own word; who is erased is not there to be erased again",
        description="Erase yourself, for good: the key under which everything personal is kept is destroyed. "
        "Credentials that you downloaded stay valid; nobody can fetch them here any more.",
    )
