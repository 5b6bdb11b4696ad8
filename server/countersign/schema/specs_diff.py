"""What differs between two versions, at the front desk: field by field, word by word, and what each change means."""

import enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from countersign.reads.bind import arg, bound, column, connection, find, many, one
from countersign.reviews.views import ASKED_BETWEEN
from countersign.schema.base import Connection
from countersign.schema.specs import ChangeClass, SpecVersion
from countersign.specs.views import CHANGE_CLASS_ROW, CHANGE_CLASS_WORDS, DIFF, DIFF_CHANGE, DIFF_WORDS

if TYPE_CHECKING:
    from countersign.schema.reviews_changes import ChangeRequest


@strawberry.enum(description="A part of a version that is read and reviewed as a whole.")
class SpecSection(enum.Enum):
    """A part of a version."""

    OVERVIEW = strawberry.enum_value(
        "overview", description="Title, language, summary, description, audience, field, tags, further information."
    )
    OUTCOMES = strawberry.enum_value("outcomes", description="The learning outcomes.")
    ASSESSMENT = strawberry.enum_value("assessment", description="The assessment and its rubric.")
    TOOLCHAIN = strawberry.enum_value("toolchain", description="The tools and their versions.")
    SKILLS = strawberry.enum_value("skills", description="The skills that it proves.")
    WORKLOAD = strawberry.enum_value("workload", description="Workload, credits, level, cycle, duration.")
    DELIVERY = strawberry.enum_value("delivery", description="Participation, languages, price, prerequisites.")
    QUALITY = strawberry.enum_value("quality", description="Quality assurance and the day of the next review.")
    STACKING = strawberry.enum_value("stacking", description="Whether it counts towards another credential.")


@strawberry.enum(description="What happened to a field or to an item of a list.")
class SpecChangeKind(enum.Enum):
    """What happened to a field."""

    ADDED = strawberry.enum_value("added", description="It is new.")
    REMOVED = strawberry.enum_value("removed", description="It is gone.")
    CHANGED = strawberry.enum_value("changed", description="It says something else.")
    MOVED = strawberry.enum_value("moved", description="It stands at another place of its list.")


@strawberry.enum(description="What became of a run of words.")
class WordChange(enum.Enum):
    """What became of a run of words."""

    SAME = strawberry.enum_value("same", description="It stands in both texts.")
    REMOVED = strawberry.enum_value("removed", description="It stands in the first text only.")
    ADDED = strawberry.enum_value("added", description="It stands in the second text only.")


@strawberry.enum(description="What of a field changed.")
class ChangeAspect(enum.Enum):
    """What of a field changed."""

    CONTENT = strawberry.enum_value("content", description="What it says, or which items it has.")
    ORDER = strawberry.enum_value("order", description="Only the order of its items.")


@strawberry.enum(description="What the published table says of a change.")
class ChangeRule(enum.Enum):
    """What the published table says of a change."""

    MATERIAL = strawberry.enum_value("material", description="It may change what was endorsed.")
    WORDING = strawberry.enum_value(
        "wording",
        description="It is editorial while no figure in it changes, and nothing of `changeClassWords`; else material.",
    )
    EDITORIAL = strawberry.enum_value("editorial", description="The meaning stands.")


@bound(DIFF_WORDS, description="A run of words of two texts, in logical order; the runs give back both texts.")
class WordRun:
    """A run of words of two texts."""

    change: WordChange = column(description="What became of it.")
    text: str = column(description="The words with their spaces, code point by code point; cut at Unicode words.")


@bound(DIFF_CHANGE, description="One difference between two versions.")
class SpecChange:
    """One difference between two versions."""

    path: str = column(description="Where: items of lists by what names them, like `outcomes[report].threshold`.")
    section: SpecSection = column(description="The section in which it is read.")
    kind: SpecChangeKind = column(description="What happened.")
    change_class: ChangeClass = column(description="What it means to who endorsed the one before, by the table.")
    why: str = column(description="Why the table says so; of a text, which figure or words decided.")
    before: str | None = column(description="What it said: text as it is, anything else as JSON; null for nothing.")
    after: str | None = column(description="What it says: text as it is, anything else as JSON; null for nothing.")
    moved_from: int | None = column(description="Its place before, from 1; null unless it moved.")
    moved_to: int | None = column(description="Its place after, from 1; null unless it moved.")
    words: list[WordRun] = many(size=10, description="Both texts word by word; empty for what is no text.")


@bound(DIFF, description="What differs between two versions of one credential, in the order in which one reads it.")
class SpecVersionDiff:
    """What differs between two versions."""

    change_class: ChangeClass | None = column(
        description="MATERIAL as soon as one change is; null when nothing differs."
    )
    changed_sections: list[SpecSection] = column(description="The sections with a difference.")
    material_count: int = column(description="How many changes are material.")
    editorial_count: int = column(description="How many changes are editorial.")
    from_version: SpecVersion = one(
        on="{child}.id = {parent}.from_id", visible="true", description="The version that is compared."
    )
    to_version: SpecVersion = one(
        on="{child}.id = {parent}.to_id", visible="true", description="The version that it is compared with."
    )
    changes: list[SpecChange] = many(size=10, description="Each difference.")
    change_requests: Connection[Annotated["ChangeRequest", strawberry.lazy("countersign.schema.reviews_changes")]] = (
        connection(
            on=ASKED_BETWEEN,
            description="What reviews asked to change on the way, answered or not, between your organization and the"
            " other one.",
        )
    )


@bound(CHANGE_CLASS_ROW, description="One row of the published table that says what a change means.")
class ChangeClassRow:
    """One row of the published table."""

    table_version: int = column(description="The version of the table.")
    path: str = column(
        description="The field, with [] for the items of a list; it speaks for what is below it and has no row."
    )
    change: ChangeAspect = column(description="Which change of it.")
    rule: ChangeRule = column(description="What that means.")
    why: str = column(description="Why.")


@bound(CHANGE_CLASS_WORDS, description="Words of a language that change what a text means, by the published table.")
class ChangeClassWords:
    """Words of a language that change what a text means."""

    table_version: int = column(description="The version of the table.")
    language: str = column(description="The language (BCP 47). A text in a language without a list is always material.")
    words: list[str] = column(description="The words, compared without case; a `*` stands for any letters.")
    opposites: list[str] = column(
        description="Beginnings that turn a word into its opposite: such a word in the place of the one without is"
        " material, in whatever grammatical form."
    )
    letters: str = column(
        description="The letters of its alphabet. A word with a letter that no language here has is material."
    )
    alike: list[str] = column(
        description="Letters that look like others of this alphabet, between blanks: a word that only looks like one of"
        " `words` counts as it."
    )


@strawberry.type
class SpecDiffQueries:
    """Root fields."""

    spec_version_diff: SpecVersionDiff | None = find(
        by_id=False,
        args={
            "from": arg(strawberry.ID, "The version to compare."),
            "to": arg(strawberry.ID, "The version to compare it with; earlier or later, of the same credential."),
        },
        where={
            "from": "{child}.from_id = {value:id(version)}",
            "to": "{child}.to_id = {value:id(version)}",
        },
        description="What differs between two versions of a credential; null unless you may see both.",
    )
    change_classes: list[ChangeClassRow] = many(
        size=40,
        description="The published table by which changes are material or editorial; what it does not name is"
        " material.",
    )
    change_class_words: list[ChangeClassWords] = many(
        size=2,
        description="The words that oblige, allow, forbid, deny, except, bound or count: a text in which one of them"
        " comes or goes is material.",
    )
