"""The roster's second factor, as schools write it."""

import enum

import strawberry

from countersign.awards import rules_claims


@strawberry.enum(description="What a school's roster knows of a learner beside the address.")
class ClaimFactorKind(enum.Enum):
    """What a school's roster knows of a learner beside the address."""

    BIRTH_YEAR = strawberry.enum_value("birth_year", description="The year of birth, four digits.")
    STUDENT_NUMBER = strawberry.enum_value(
        "student_number", description="The number under which the school knows them."
    )


@strawberry.input(description="What your roster knows of the learner; kept as a keyed hash, never shown again.")
class ClaimFactorInput:
    """What a roster knows of a learner."""

    kind: ClaimFactorKind = strawberry.field(description="What it is.")
    value: str = strawberry.field(description="Its value; spaces and case do not count.")


def factor_of(given: ClaimFactorInput | None) -> rules_claims.Factor | None:
    """The roster's fact as the room takes it."""
    return None if given is None else rules_claims.Factor(rules_claims.FactorKind(given.kind.value), given.value)
