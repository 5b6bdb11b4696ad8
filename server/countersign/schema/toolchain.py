"""Support of tools and drift alarms at the front desk."""

import enum
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Final, Optional

import strawberry

from countersign.endorsements import drift
from countersign.endorsements.views_pledges import DRIFT_ALARM, TOOL_CYCLE
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import arg, bound, column, connection, entity, find, one
from countersign.reads.orders import Order, Orders
from countersign.schema.abilities import viewer_can
from countersign.schema.abilities_backing import DriftAlarmAbilities
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.scalars import URL

if TYPE_CHECKING:
    from countersign.schema.endorsements import Endorsement
    from countersign.schema.organizations import Organization
    from countersign.schema.specs import SpecVersion


@strawberry.enum(description="Why a drift alarm was raised.")
class DriftCause(enum.Enum):
    """Why a drift alarm was raised."""

    SUPPORT_ENDING = strawberry.enum_value(
        "support_ending", description="The support of the tool's versions ends within 90 days."
    )
    SUPPORT_ENDED = strawberry.enum_value("support_ended", description="The support of the tool's versions has ended.")
    TOOL_DROPPED = strawberry.enum_value(
        "tool_dropped", description="A newer version of the credential teaches the confirmed tool no more."
    )
    VERSION_CHANGED = strawberry.enum_value(
        "version_changed", description="A newer version of the credential teaches versions that were not confirmed."
    )


@strawberry.enum(description="Where a drift alarm stands.")
class DriftState(enum.Enum):
    """Where a drift alarm stands."""

    OPEN = strawberry.enum_value("open", description="Nobody has answered it.")
    ACKNOWLEDGED = strawberry.enum_value("acknowledged", description="Whom it concerns has seen it.")
    RESOLVED = strawberry.enum_value("resolved", description="Whom it concerns says what was done about it.")
    CLEARED = strawberry.enum_value("cleared", description="Its cause is gone, or another alarm took its place.")


DRIFT_ORDERS = Orders(
    "DriftAlarmOrder",
    descending=True,
    RAISED_AT=Order("{child}.raised_at", "timestamptz", "By the time at which they were raised."),
)
CYCLE_ORDERS = Orders(
    "ToolCycleOrder",
    TOOL=Order("{child}.tool", "text", "By the tool's name."),
    SUPPORTED_UNTIL=Order(
        "coalesce({child}.supported_until, 'infinity')", "date", "By the last day of support; what has none comes last."
    ),
)


@strawberry.input(description="Which drift alarms; all conditions must hold.")
class DriftAlarmFilter:
    """Which drift alarms."""

    state: DriftState | None = strawberry.field(default=strawberry.UNSET, description="Only in this state.")
    cause: DriftCause | None = strawberry.field(default=strawberry.UNSET, description="Only for this cause.")
    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that await an answer of this organization."
    )


DRIFT_FILTERS: Final = {
    "filter.state": "{child}.state = {value:text}",
    "filter.cause": "{child}.cause = {value:text}",
    "filter.organizationId": "{child}.organization_id = {value:id(org)}",
}


@strawberry.input(description="Which release cycles; all conditions must hold.")
class ToolCycleFilter:
    """Which release cycles."""

    tool: str | None = strawberry.field(
        default=strawberry.UNSET, description="Only of the tool with this name, however it is spelt."
    )


@bound(TOOL_CYCLE, description="A release cycle of a tool, and until when its maker supports it.")
class ToolCycle(Node):
    """A release cycle of a tool."""

    tool: str = column(description="The tool.")
    cycle: str = column(description="The release cycle, such as 3.13.")
    released_on: date | None = column(description="When it was first released; null when the source does not tell.")
    supported_until: date | None = column(description="The last day of support; null while none is announced.")
    supported: bool = column(description="Whether it is supported today.")
    source: URL = column(description="Where that is told.")
    imported_at: datetime = column(description="When it was last imported.")


@bound(DRIFT_ALARM, description="A tool that moved away from what was taught or confirmed.")
class DriftAlarm(Node):
    """A tool that moved away."""

    cause: DriftCause = column(description="What happened.")
    state: DriftState = column(description="Where it stands.")
    pending: bool = column(description="Whether it is open or acknowledged: nothing was done about it yet.")
    tool: str = column(description="The tool, as it is taught or confirmed.")
    versions: str = column(description="The versions that are taught or were confirmed.")
    newer_versions: str | None = column(description="What the newer version of the credential teaches instead.")
    supported_until: date | None = column(description="The last day of support of these versions.")
    raised_at: datetime = column(description="When it was raised.")
    acknowledged_at: datetime | None = column(description="When it was acknowledged.")
    ended_at: datetime | None = column(description="When it was resolved, or its cause was gone.")
    note: str | None = column(description="What was done about it, as whom it concerns says.")
    concerns: Annotated["Organization", strawberry.lazy("countersign.schema.organizations")] = one(
        on="{child}.id = {parent}.organization_id",
        description="Whose answer it awaits: the school for a version, the endorser for an endorsement.",
    )
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_version_id", description="The version that it is about."
    )
    endorsement: Optional[Annotated["Endorsement", strawberry.lazy("countersign.schema.endorsements")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.endorsement_id",
        description="The endorsement whose confirmation it is about; null when it is about the version itself.",
    )
    newer_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.newer_version_id",
        description="The newer version of the credential that left what was confirmed.",
    )
    viewer_can: DriftAlarmAbilities = viewer_can()


@strawberry.type
class ToolchainQueries:
    """Root fields."""

    tool_cycle: ToolCycle | None = find(description="One release cycle of a tool.")
    tool_cycles: Connection[ToolCycle] = connection(
        orders=CYCLE_ORDERS,
        where={
            "filter.tool": "array[regexp_replace(lower(normalize({value:text}, NFKC)), '[^[:alnum:]+#]', '', 'g')]"
            " && {child}.keys"
        },
        args={"filter": arg(ToolCycleFilter | None, "Which of them.")},
        description="Release cycles of tools with the ends of their support, as imported.",
    )
    drift_alarm: DriftAlarm | None = find(description="One drift alarm.")
    drift_alarms: Connection[DriftAlarm] = connection(
        orders=DRIFT_ORDERS,
        where=DRIFT_FILTERS,
        args={"filter": arg(DriftAlarmFilter | None, "Which of them.")},
        description="Drift alarms that you may see.",
    )


@strawberry.input(description="Which drift alarm you have seen.")
class AcknowledgeDriftAlarmInput(CommandInput):
    """An acknowledgement."""

    drift_alarm_id: strawberry.ID = strawberry.field(description="An alarm that awaits your organization's answer.")


@strawberry.input(description="Which drift alarm you settled, and how.")
class ResolveDriftAlarmInput(CommandInput):
    """The end of an alarm."""

    drift_alarm_id: strawberry.ID = strawberry.field(description="An alarm that awaits your organization's answer.")
    note: str = strawberry.field(description="What you did about it; who sees the alarm may read it.")


@payload(description="The acknowledged alarm.")
class AcknowledgeDriftAlarmPayload:
    """The acknowledged alarm."""

    drift_alarm: DriftAlarm | None = entity(description="The acknowledged alarm.")


@payload(description="The resolved alarm.")
class ResolveDriftAlarmPayload:
    """The resolved alarm."""

    drift_alarm: DriftAlarm | None = entity(description="The resolved alarm.")


async def _acknowledge(tx: Tx, actor: Actor, given: AcknowledgeDriftAlarmInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.drift_alarm_id, DRIFT_ALARM.tag, "alarm", "driftAlarmId")
    return {"drift_alarm": public_id(DRIFT_ALARM.tag, await drift.acknowledge(tx, actor, key))}


async def _resolve(tx: Tx, actor: Actor, given: ResolveDriftAlarmInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.drift_alarm_id, DRIFT_ALARM.tag, "alarm", "driftAlarmId")
    done = await drift.resolve(tx, actor, drift.Resolve(key, given.note))
    return {"drift_alarm": public_id(DRIFT_ALARM.tag, done)}


@strawberry.type
class ToolchainMutations:
    """Root fields."""

    acknowledge_drift_alarm: AcknowledgeDriftAlarmPayload | None = command(
        AcknowledgeDriftAlarmInput,
        _acknowledge,
        permission=Permission.ANSWER_DRIFT,
        lock=Lock.STATE,
        because="an alarm is acknowledged once, and what it says never changes",
        description="Say that your organization has seen a drift alarm.",
    )
    resolve_drift_alarm: ResolveDriftAlarmPayload | None = command(
        ResolveDriftAlarmInput,
        _resolve,
        permission=Permission.ANSWER_DRIFT,
        lock=Lock.STATE,
        because="an alarm is resolved once, and the note stays",
        description="Say what your organization did about a drift alarm; the same finding raises it no more.",
    )
