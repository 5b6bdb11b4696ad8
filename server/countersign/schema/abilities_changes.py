"""What the caller may do with a change request, by its state machine's own table."""

from countersign.kit.access import Permission
from countersign.reads.bind import bound
from countersign.reviews.rules_changes import MOVES, ChangeAct
from countersign.schema.abilities import ABILITIES, MINE, may


def _from(act: ChangeAct) -> str:
    states = ", ".join(sorted(f"'{state.value}'" for state, possible in MOVES if possible is act))
    return f"{{t}}.state in ({states})"


@bound(ABILITIES, description="What you may do with a change request.")
class ChangeRequestAbilities:
    """What the caller may do with a change request."""

    decline: bool = may(
        Permission.EDIT_SPEC,
        f"{{t}}.school_id = {{actor_organization}} and {_from(ChangeAct.DECLINE)}",
        description="Decline it, or tick it off in a draft.",
    )
    accept: bool = may(Permission.REVIEW, f"{MINE} and {_from(ChangeAct.ACCEPT)}", description="Settle it.")
    reopen: bool = may(Permission.REVIEW, f"{MINE} and {_from(ChangeAct.REOPEN)}", description="Open it again.")
    withdraw: bool = may(Permission.REVIEW, f"{MINE} and {_from(ChangeAct.WITHDRAW)}", description="Ask no more.")
