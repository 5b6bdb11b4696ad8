"""What the caller may do with pledges, drift alarms and words from elsewhere, by their own tables of moves."""

from typing import Final

from countersign.endorsements import drift_rules, pledge_rules
from countersign.endorsements.views_pledges import PLEDGE, WAITS
from countersign.kit.access import Permission
from countersign.reads.bind import bound
from countersign.schema.abilities import ABILITIES, MINE, may
from countersign.schema.abilities_reviews import moved

_OF_OWN_VERSION: Final = (
    "exists (select from endorsements e join spec_versions v on v.id = e.spec_version_id"
    " where e.id = {t}.endorsement_id and v.organization_id = {actor_organization})"
)
_STANDS: Final = "{t}.withdrawn_at is null"


def _pledge(act: pledge_rules.Act) -> str:
    return moved(f"({PLEDGE.column('state')})", act, pledge_rules.MOVES)


def _seat(act: pledge_rules.Act) -> str:
    of_pledge = _pledge(act).replace("{t}", "p")
    return f"{WAITS} and exists (select from pledges p where p.id = {{t}}.pledge_id and {of_pledge})"


def _alarm(act: drift_rules.Act) -> str:
    return f"{MINE} and {moved('{t}.state', act, drift_rules.MOVES)}"


@bound(ABILITIES, description="What you may do with a hiring pledge.")
class PledgeAbilities:
    """What the caller may do with a hiring pledge."""

    reserve: bool = may(
        Permission.RESERVE_SEAT,
        f"{_OF_OWN_VERSION} and {_pledge(pledge_rules.Act.RESERVE)}",
        description="Reserve a seat of it.",
    )
    withdraw: bool = may(
        Permission.WITHDRAW_PLEDGE,
        f"{MINE} and {_pledge(pledge_rules.Act.WITHDRAW)}",
        description="Take back what is left of it.",
    )


@bound(ABILITIES, description="What you may do with a line of a pledge's ledger.")
class PledgeEntryAbilities:
    """What the caller may do with a line of a pledge's ledger."""

    redeem: bool = may(
        Permission.REDEEM_SEAT,
        f"{{t}}.endorser_id = {{actor_organization}} and {_seat(pledge_rules.Act.REDEEM)}",
        description="Say that you filled the seat.",
    )
    release: bool = may(
        Permission.RELEASE_SEAT,
        f"{{actor_organization}} in ({{t}}.school_id, {{t}}.endorser_id) and {_seat(pledge_rules.Act.RELEASE)}",
        description="Give the seat back.",
    )


@bound(ABILITIES, description="What you may do with a drift alarm.")
class DriftAlarmAbilities:
    """What the caller may do with a drift alarm."""

    acknowledge: bool = may(
        Permission.ANSWER_DRIFT, _alarm(drift_rules.Act.ACKNOWLEDGE), description="Say that you have seen it."
    )
    resolve: bool = may(
        Permission.ANSWER_DRIFT, _alarm(drift_rules.Act.RESOLVE), description="Say what you did about it."
    )


@bound(ABILITIES, description="What you may do with words that a school suggests to an endorser.")
class StatementSuggestionAbilities:
    """What the caller may do with words that a school suggests."""

    withdraw: bool = may(
        Permission.SUGGEST_STATEMENT,
        f"{{t}}.school_id = {{actor_organization}} and {_STANDS}",
        description="Take them back.",
    )


@bound(ABILITIES, description="What you may do with an endorsement from elsewhere.")
class ForeignEndorsementAbilities:
    """What the caller may do with an endorsement from elsewhere."""

    withdraw: bool = may(Permission.IMPORT_ENDORSEMENT, f"{MINE} and {_STANDS}", description="Show it no more.")
