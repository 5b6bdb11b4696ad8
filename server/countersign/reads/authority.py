"""Authority that a field asks for, printed into the schema from the policy that the services enforce."""

from collections.abc import Sequence

import strawberry
from strawberry.schema_directive import Location

from countersign.kit.access import POLICY, Permission
from countersign.kit.sight import Sight


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="authorized",
    description="Who may use the field: the scope, one of the roles, acting for one of the kinds of organization.",
)
class Authorized:
    """Who may use the field."""

    scope: str | None = strawberry.field(
        default=strawberry.UNSET, description="The scope that the token must have; of several, one."
    )
    roles: list[str] = strawberry.field(description="Roles, one of which you must have.")
    kinds: list[str] = strawberry.field(description="Kinds of organization, for one of which you must act.")
    learner: bool = strawberry.field(default=False, description="Whether only the learner may use it.")
    fresh: bool = strawberry.field(
        default=False, description="Whether a session must have been signed in, or again, in the last five minutes."
    )
    two_persons: bool = strawberry.field(
        default=False, description="Whether one person proposes and another one approves."
    )
    account: bool = strawberry.field(
        default=False, description="Whether any person who signed in may use it, for themselves; no token may."
    )


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    name="seenBy",
    description="Who sees it; to everybody else it is as if there were none.",
)
class SeenBy:
    """Who sees it."""

    who: list[str] = strawberry.field(description="Those who see it; one of them is enough.")


def seen_by(seen: Sequence[Sight]) -> list[object]:
    """The directive that shows who sees a thing; none where nothing is said."""
    return [SeenBy(who=[sight.who for sight in seen])] if seen else []


def authorized(permission: Permission) -> Authorized:
    """The directive that shows a permission's rule."""
    rule = POLICY[permission]
    return Authorized(
        scope=" or ".join(scope.value for scope in rule.scopes) or strawberry.UNSET,
        roles=sorted(role.value for role in rule.roles),
        kinds=sorted(kind.value for kind in rule.kinds),
        learner=rule.learner,
        fresh=rule.fresh or strawberry.UNSET,
        two_persons=rule.two_persons or strawberry.UNSET,
        account=rule.account or strawberry.UNSET,
    )
