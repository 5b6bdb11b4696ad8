"""What members choose of their notices: which reach them where, in which language, at which address."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.kit.vault import WRAPPED_BYTES
from countersign.notices import mailboxes
from countersign.notices.rules_delivery import DEFAULTS, Channel, Choice, Rhythm
from countersign.notices.rules_topics import Kind
from countersign.notices.views import ADDRESS, CHOICE, MAILBOX
from countersign.reads.args import Call
from countersign.reads.bind import bound, column, entity, many, slot
from countersign.schema.base import CommandInput, Lock, Node, Tools, command, payload, reference
from countersign.schema.notices_kinds import NoticeKind
from countersign.schema.problems import QuotaExceededError

UUID_BYTES: Final = 16


@strawberry.enum(description="Where notices of a kind go.")
class NoticeChannel(enum.Enum):
    """Where notices of a kind go."""

    INBOX = strawberry.enum_value("inbox", description="Your inbox here.")
    MAIL = strawberry.enum_value("mail", description="Your e-mail alone; your inbox while no address is confirmed.")
    BOTH = strawberry.enum_value("both", description="Your inbox and your e-mail.")
    NONE = strawberry.enum_value("none", description="Nowhere: you are not told.")


@strawberry.enum(description="How soon e-mail is sent.")
class NoticeRhythm(enum.Enum):
    """How soon e-mail is sent."""

    NOW = strawberry.enum_value("now", description="As it happens.")
    DAILY = strawberry.enum_value("daily", description="In one letter a day, at seven in the morning (UTC).")
    WEEKLY = strawberry.enum_value("weekly", description="In one letter a week, on Mondays at seven (UTC).")


@strawberry.enum(description="Where your address stands.")
class AddressState(enum.Enum):
    """Where an address stands."""

    NONE = strawberry.enum_value("none", description="There is none.")
    PENDING = strawberry.enum_value("pending", description="A letter with a link is on its way; open it to confirm.")
    CONFIRMED = strawberry.enum_value("confirmed", description="Letters are sent there.")
    BOUNCED = strawberry.enum_value("bounced", description="Letters came back; set another address.")
    UNSUBSCRIBED = strawberry.enum_value("unsubscribed", description="It asked for no more letters.")


@bound(CHOICE, description="How notices of one kind reach you.", key_type="int")
class NoticeChoice:
    """How notices of a kind reach a person."""

    kind: NoticeKind = column(description="The kind.")
    channel: NoticeChannel = column(description="Where they go.")
    rhythm: NoticeRhythm = column(description="How soon e-mail is sent, where there is any.")
    chosen: bool = column(description="Whether you chose so; otherwise it is what everybody begins with.")


def _address(given: bytes, call: Call) -> str:
    identity, rest = UUID(bytes=given[:UUID_BYTES]), given[UUID_BYTES:]
    key = call.vault.file_key(identity, rest[:WRAPPED_BYTES])
    return key.open(mailboxes.ADDRESS, rest[WRAPPED_BYTES:]).decode()


@bound(MAILBOX, description="How you are told besides your inbox, in the organization for which you act.")
class Mailbox(Node):
    """How a member is told besides the inbox."""

    language: str = column(description="The language in which you are told: en or ru.")
    address: str | None = slot(payload=ADDRESS, maker=_address, description="Your address; nobody else sees it.")
    address_state: AddressState = column(description="Where it stands.")
    confirm_until: datetime | None = column(description="Until when the link of the confirmation is good.")
    choices: list[NoticeChoice] = many(order="{child}.no", size=12, description="How each kind reaches you.")


@strawberry.input(description="How one kind shall reach you.")
class NoticeChoiceInput:
    """How one kind shall reach a person."""

    kind: NoticeKind = strawberry.field(description="The kind.")
    channel: NoticeChannel = strawberry.field(description="Where its notices shall go.")
    rhythm: NoticeRhythm | None = strawberry.field(
        default=strawberry.UNSET, description="How soon e-mail shall be sent; as it is by default if left out."
    )


@strawberry.input(description="What you choose; what you leave out stays as it is.")
class ChangeNoticeSettingsInput(CommandInput):
    """What a person chooses."""

    language: str | None = strawberry.field(
        default=strawberry.UNSET, description="The language in which you want to be told: en or ru."
    )
    choices: list[NoticeChoiceInput] = strawberry.field(
        default_factory=list,
        description="Kinds, each with how it shall reach you; of two for one kind the last counts.",
    )


@strawberry.input(description="Where letters shall go.")
class SetNoticeAddressInput(CommandInput):
    """Where letters shall go."""

    address: str = strawberry.field(
        description="Your e-mail address. A letter with a link goes there; nothing else does before you open it."
    )


@strawberry.input(description="That letters shall go nowhere.")
class RemoveNoticeAddressInput(CommandInput):
    """That letters shall go nowhere."""

    mailbox_id: strawberry.ID = strawberry.field(description="Your mailbox.")


@payload(description="What is chosen now.")
class ChangeNoticeSettingsPayload:
    """What is chosen now."""

    mailbox: Mailbox | None = entity(description="Your mailbox with what is chosen now.")


@payload(description="Your mailbox, with the address that waits for its confirmation.", errors=(QuotaExceededError,))
class SetNoticeAddressPayload:
    """The mailbox with its new address."""

    mailbox: Mailbox | None = entity(description="Your mailbox, with the address that waits for its confirmation.")


@payload(description="Your mailbox without an address.")
class RemoveNoticeAddressPayload:
    """The mailbox without an address."""

    mailbox: Mailbox | None = entity(description="Your mailbox without an address.")


def _choice(given: NoticeChoiceInput) -> Choice:
    rhythm = Rhythm[given.rhythm.name] if given.rhythm else DEFAULTS[Kind[given.kind.name]].rhythm
    return Choice(Channel[given.channel.name], rhythm)


async def _choose(tx: Tx, actor: Actor, given: ChangeNoticeSettingsInput, _tools: Tools) -> Mapping[str, str]:
    choices = {Kind[one.kind.name]: _choice(one) for one in given.choices}
    return _answered(await mailboxes.choose(tx, actor, given.language or None, choices))


async def _set(tx: Tx, actor: Actor, given: SetNoticeAddressInput, tools: Tools) -> Mapping[str, str]:
    mails = tools.mailer is not None
    return _answered(await mailboxes.set_address(tx, actor, tools.sealer, given.address, mails=mails))


async def _remove(tx: Tx, actor: Actor, given: RemoveNoticeAddressInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.mailbox_id, MAILBOX.tag, "mailbox", "mailboxId")
    return _answered(await mailboxes.remove_address(tx, actor, key))


def _answered(mailbox_id: UUID) -> Mapping[str, str]:
    return {"mailbox": public_id(MAILBOX.tag, mailbox_id)}


_OWN: Final = "one's own settings: what is not named stays as it is, and the last word counts"


@strawberry.type
class MailboxMutations:
    """Root fields."""

    change_notice_settings: ChangeNoticeSettingsPayload | None = command(
        ChangeNoticeSettingsInput,
        _choose,
        permission=Permission.MANAGE_NOTICES,
        lock=Lock.STATE,
        because=_OWN,
        description="Choose how notices reach you in the organization for which you act, and in which language.",
    )
    set_notice_address: SetNoticeAddressPayload | None = command(
        SetNoticeAddressInput,
        _set,
        permission=Permission.SET_NOTICE_ADDRESS,
        lock=Lock.STATE,
        because=_OWN,
        description="Name the e-mail address for your notices; it counts once its owner has opened a link.",
    )
    remove_notice_address: RemoveNoticeAddressPayload | None = command(
        RemoveNoticeAddressInput,
        _remove,
        permission=Permission.MANAGE_NOTICES,
        lock=Lock.STATE,
        because=_OWN,
        description="Have your address forgotten: nothing more is sent there.",
    )
