"""Subscriptions to what stands behind endorsements: seats of pledges as they are taken, tools that drift away."""

import enum
from typing import Final

import strawberry

from countersign.reads.bind import entity
from countersign.schema.pledges import Pledge
from countersign.schema.subscriptions_base import SCHOOL, SPEC, VERSION, FactsOf, event, stream
from countersign.schema.toolchain import DriftAlarm


@strawberry.enum(description="What happened to a hiring pledge.")
class PledgeEventKind(enum.Enum):
    """What happened to a hiring pledge."""

    RESERVED = strawberry.enum_value("reserved", description="The school reserved a seat.")
    REDEEMED = strawberry.enum_value("redeemed", description="The endorser filled a reserved seat.")
    RELEASED = strawberry.enum_value("released", description="A reserved seat was given back, by either side.")
    WITHDRAWN = strawberry.enum_value("withdrawn", description="The endorser took back what was left of it.")
    LAPSED = strawberry.enum_value("lapsed", description="Its window is over, as the portal noticed.")
    ANSWER_DUE = strawberry.enum_value(
        "answer_due", description="Reserved seats that have no answer within a week will count as not kept."
    )
    NOT_KEPT = strawberry.enum_value(
        "not_kept", description="Reserved seats had no answer in time: they count as not kept until they are filled."
    )


@strawberry.enum(description="What happened to a drift alarm.")
class DriftEventKind(enum.Enum):
    """What happened to a drift alarm."""

    RAISED = strawberry.enum_value("raised", description="It was raised, or its cause has come back.")
    ACKNOWLEDGED = strawberry.enum_value("acknowledged", description="Whom it concerns has seen it.")
    RESOLVED = strawberry.enum_value("resolved", description="Whom it concerns said what was done about it.")
    CLEARED = strawberry.enum_value("cleared", description="Its cause is gone, or another alarm took its place.")


@event(kinds=PledgeEventKind, description="Something happened to a hiring pledge.")
class PledgeEvent:
    """Something happened to a hiring pledge."""

    pledge: Pledge | None = entity(description="The pledge with its figures, as it is now.")


@event(kinds=DriftEventKind, description="Something happened to a drift alarm.")
class DriftAlarmEvent:
    """Something happened to a drift alarm."""

    alarm: DriftAlarm | None = entity(description="The alarm, as it is now.")


@strawberry.type
class BackingSubscriptions:
    """Root fields of subscriptions."""

    pledge_changed: PledgeEvent = stream(
        topics={
            "pledge.reserved": PledgeEventKind.RESERVED,
            "pledge.redeemed": PledgeEventKind.REDEEMED,
            "pledge.released": PledgeEventKind.RELEASED,
            "pledge.withdrawn": PledgeEventKind.WITHDRAWN,
            "pledge.lapsed": PledgeEventKind.LAPSED,
            "pledge.answer_due": PledgeEventKind.ANSWER_DUE,
            "pledge.not_kept": PledgeEventKind.NOT_KEPT,
        },
        kinds=PledgeEventKind,
        filters={
            "pledge": ("pledge", "plg", "This pledge alone."),
            "spec": SPEC,
            "version": VERSION,
            "organization": ("endorser", "org", "Of this endorser alone."),
            "school": SCHOOL,
        },
        description="Hiring pledges that you may see, as their seats are taken. A pledge begins with its endorsement"
        " and opens by its day, which is no event: see `endorsementChanged` and `opensOn`. LAPSED comes some time after"
        " `closesOn`.",
    )
    drift_alarm_changed: DriftAlarmEvent = stream(
        topics={
            "drift.raised": DriftEventKind.RAISED,
            "drift.acknowledged": DriftEventKind.ACKNOWLEDGED,
            "drift.resolved": DriftEventKind.RESOLVED,
            "drift.cleared": DriftEventKind.CLEARED,
            "drift.overtaken": DriftEventKind.CLEARED,
        },
        kinds=DriftEventKind,
        filters={
            "alarm": ("alarm", "drf", "This alarm alone."),
            "spec": SPEC,
            "version": VERSION,
            "organization": ("concerned", "org", "Only those that await an answer of this organization."),
            "school": SCHOOL,
        },
        description="Drift alarms that you may see, as they are raised, answered and cleared.",
    )


BACKING: Final[FactsOf] = {
    "plg": "select g.id as subject, g.id as pledge, e.spec_version_id as version, v.spec_id as spec,"
    " g.organization_id as endorser, v.organization_id as school from pledges g"
    " join endorsements e on e.id = g.endorsement_id join spec_versions v on v.id = e.spec_version_id"
    " where g.id = any($1)",
    "drf": "select d.id as subject, d.id as alarm, d.spec_version_id as version, v.spec_id as spec,"
    " d.organization_id as concerned, v.organization_id as school"
    " from drift_alarms d join spec_versions v on v.id = d.spec_version_id where d.id = any($1)",
}
