"""Skills at the front desk: frameworks, skills, and their names in many languages."""

import enum
from collections.abc import Sequence

import strawberry

from countersign.reads.args import Args, Call, Predicates
from countersign.reads.bind import arg, bound, column, connection, find, many, one
from countersign.reads.bindings import Source
from countersign.reads.orders import Order, Orders
from countersign.schema.base import Connection, Node
from countersign.schema.scalars import URL, LanguageTag
from countersign.skills.rules import folded
from countersign.skills.views import ALL, BEST_LABEL, FRAMEWORK, LABEL, MATCHED, SKILL


@strawberry.enum(description="What a skill is in its framework.")
class SkillKind(enum.Enum):
    """What a skill is in its framework."""

    SKILL = strawberry.enum_value("skill", description="Something one can do.")
    KNOWLEDGE = strawberry.enum_value("knowledge", description="Something one knows.")
    TOOL = strawberry.enum_value("tool", description="A tool that one works with.")


@strawberry.enum(description="How far a skill carries beyond one occupation (ESCO).")
class ReuseLevel(enum.Enum):
    """How far a skill carries."""

    TRANSVERSAL = strawberry.enum_value("transversal", description="It carries to almost every occupation.")
    CROSS_SECTOR = strawberry.enum_value("cross_sector", description="It carries to several sectors.")
    SECTOR_SPECIFIC = strawberry.enum_value("sector_specific", description="It carries within one sector.")
    OCCUPATION_SPECIFIC = strawberry.enum_value("occupation_specific", description="It belongs to one occupation.")


@strawberry.enum(description="Whether a label is the name to show or another name to find a skill by.")
class LabelKind(enum.Enum):
    """Whether a label is shown or found by."""

    PREFERRED = strawberry.enum_value("preferred", description="The name to show.")
    ALIAS = strawberry.enum_value("alias", description="Another name to find it by.")


@bound(LABEL, description="A name of a skill in one language.")
class SkillLabel:
    """A name of a skill in one language."""

    language: LanguageTag = column(description="Its language.")
    kind: LabelKind = column(description="Whether it is the name to show or an alias.")
    text: str = column(description="The name.")
    product_made: bool = column(description="Whether this product wrote it, and not the skill's framework.")


@bound(FRAMEWORK, description="A vocabulary of skills, such as ESCO.", keys=("id", "handle"))
class SkillFramework(Node):
    """A vocabulary of skills."""

    handle: str = column(description="Its short name in filters.")
    name: str = column(description="Its name.")
    url: URL = column(description="Where it is published.")
    version: str | None = column(description="The release that was imported.")
    licence: str = column(description="The terms under which it may be used.")
    attribution: str = column(description="The credit that its terms ask for; show it beside its skills.")


def _label(args: Args, sql: Predicates) -> None:
    sql.where(BEST_LABEL, language=args.param("language"))


@bound(SKILL, description="One skill of one framework, known by its URI.", keys=("id", "uri"))
class Skill(Node):
    """One skill of one framework."""

    uri: str = column(description="Its address in its framework; this is what specifications are aligned with.")
    name: str = column(description="Its preferred name in its framework's language.")
    kind: SkillKind | None = column(description="What it is in its framework; null when the framework does not say.")
    description: str | None = column(description="What its framework says about it.")
    reuse_level: ReuseLevel | None = column(description="How far it carries beyond one occupation.")
    categories: list[str] = column(description="The groups that its framework puts it in.")
    keywords: list[str] = column(description="Words that its framework files it under.")
    occupations: list[str] = column(description="Occupation codes (SOC) that its framework links it to.")
    hot: bool = column(description="Whether O*NET flags it as a hot technology in U.S. job postings.")
    retired: bool = column(description="Whether it is no longer in use.")
    framework: SkillFramework = one(on="{child}.id = {parent}.framework_id", description="Its framework.")
    label: SkillLabel | None = one(
        where=_label,
        args={"language": arg(LanguageTag, "The language that you read.", LanguageTag("en"))},
        description="The name to show in a language; else the English one, else any.",
    )
    labels: list[SkillLabel] = many(
        on="{child}.skill_id = {parent}.id",
        order="{child}.language, {child}.kind desc, {child}.text, {child}.id",
        where={"language": "{child}.language = {value:text}"},
        args={"language": arg(LanguageTag | None, "Only in this language.")},
        size=30,
        description="Every name of it, by language, the preferred one first.",
    )


SKILL_ORDERS = Orders(
    "SkillOrder",
    RELEVANCE=Order("{child}.relevance", "text", "The best match of `search` first; without one, by name."),
    NAME=Order("{child}.name", "text", "By the preferred name."),
)


@strawberry.input(description="Which skills; all conditions must hold.")
class SkillFilter:
    """Which skills."""

    framework: str | None = strawberry.field(
        default=strawberry.UNSET, description="Only of the framework with this handle, such as `esco`."
    )
    kind: SkillKind | None = strawberry.field(default=strawberry.UNSET, description="Only of this kind.")
    uris: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Only those with these URIs; at most 100 of them."
    )
    hot: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that are, or are not, flagged as hot technologies."
    )


LONGEST_SEARCH = 100  # likeness is compared by every three letters: a page of text would take seconds
SKILL_FILTERS = {
    "filter.framework": "{child}.framework_id = (select f.id from skill_frameworks f where f.handle = {value:text})",
    "filter.kind": "{child}.kind = {value:text}",
    "filter.uris": "{child}.uri = any({value:text[]})",
    "filter.hot": "{child}.hot = {value:boolean}",
}


def _matched(args: Args, sql: Predicates) -> Sequence[tuple[str, str]]:
    if "search" not in args:
        return [("matched", ALL)]
    words = args.getter("search")

    def searched(call: Call) -> str:
        return folded(words(call))[:LONGEST_SEARCH]

    def prefix(call: Call) -> str:
        text = searched(call)
        for sign in ("\\", "%", "_"):
            text = text.replace(sign, "\\" + sign)
        return f"{text}%" if text else ""

    language = f"and l.language = {args.param('language')}" if "language" in args else ""
    search = args.custom(searched, "text")
    return [
        ("matched", sql.render(MATCHED, search=search, prefix=args.custom(prefix, "text"), language=language or " "))
    ]


@strawberry.input(one_of=True, description="How to name one skill: by exactly one of these.")
class SkillBy:
    """How to name one skill."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its id.")
    uri: str | None = strawberry.field(default=strawberry.UNSET, description="Its URI.")


@strawberry.type
class SkillQueries:
    """Root fields."""

    skill: Skill | None = find(
        by_id=False,
        args={"by": arg(SkillBy, "Which one.")},
        where={"by.id": "{child}.id = {value:id(skill)}", "by.uri": "{child}.uri = {value:text}"},
        description="One skill, or null when there is none.",
    )
    skills: Connection[Skill] = connection(
        source=Source(ctes=_matched, rows="{matched} {t}"),
        orders=SKILL_ORDERS,
        where=SKILL_FILTERS,
        args={
            "search": arg(
                str | None, "Words: a name, an alias, their beginning, or something like them; 100 letters count."
            ),
            "language": arg(LanguageTag | None, "Search only among names in this language."),
            "filter": arg(SkillFilter | None, "Which of them."),
        },
        description="Skills by name, alias and likeness; the best match comes first.",
    )
    skill_frameworks: list[SkillFramework] = many(
        order="{child}.handle",
        size=5,
        description="The vocabularies that are imported here, with the credit that each asks for.",
    )
