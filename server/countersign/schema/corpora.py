"""Vacancy corpora at the front desk, and counting in them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final

import strawberry

from countersign.corpora.rules import read_query
from countersign.corpora.views import COUNT, NAMES_OF_SKILLS, QUERY_OF_SKILLS, SAID_OF_SKILLS, SNAPSHOT
from countersign.kit.errors import Invalid
from countersign.reads.args import Args, Call, Predicates
from countersign.reads.bind import arg, bound, column, connection, find, one
from countersign.schema.base import Connection, Node
from countersign.skills.rules import folded
from countersign.skills.views import SKILL

COUNTED_AGAIN: Final = (
    "{child}.digest = {parent}.payload->>'snapshot_digest' and ({parent}.payload->>'recomputed')::boolean"
)
"""The snapshot in which a piece of labour-market evidence was counted again."""


@bound(SNAPSHOT, description="Vacancies of a corpus as they were imported; nothing in it ever changes.")
class VacancySnapshot(Node):
    """Vacancies of a corpus as they were imported."""

    corpus: str = column(description="The corpus's name; a newer file of it is another snapshot.")
    digest: str = column(description="The SHA-256 of the imported file, in hex.")
    vacancies: int = column(description="How many vacancies.")
    period_from: date = column(description="The first day that it covers.")
    period_to: date = column(description="The last day that it covers.")
    region: str = column(description="Which region it covers, as it was stated at import.")
    source: str = column(description="Where it comes from.")
    licence: str = column(description="On which terms it may be used.")
    imported_at: datetime = column(description="When it was imported.")


@bound(COUNT, description="How many vacancies match a query, of how many, and all that is needed to count again.")
class VacancyCount:
    """How many vacancies of a snapshot match a query."""

    corpus: str = column(description="The corpus's name.")
    query: str = column(
        description="What was looked for, exactly as it was asked; of skills their names, to be stated as the query."
    )
    matched: int = column(description="How many vacancies match.")
    total: int = column(description="Of how many in that period and region.")
    share: Decimal | None = column(description="The share, from 0 to 1 with four digits; null of nothing.")
    snapshot_digest: str = column(description="The SHA-256 of the corpus as it was, in hex.")
    snapshot: VacancySnapshot = one(on="{child}.id = {parent}.id", description="The snapshot that was counted.")


def _counted(args: Args, sql: Predicates) -> None:
    corpus, query, skills = args.getter("corpus"), args.getter("query"), args.getter("skillIds")

    def asked(call: Call) -> list[list[str]]:
        if skills(call) is not None:
            raise Invalid(problem="Give a query or skills, and not both", path=("skillIds",))
        return read_query(query(call) or "")

    sql.names.update(
        corpus_key=args.custom(lambda call: folded(corpus(call)), "text"),
        digest=args.param("snapshotDigest"),
        since=args.param("from", "date"),
        until=args.param("to", "date"),
        region=args.param("region"),
    )
    if "skillIds" in args and "query" not in args:
        names = NAMES_OF_SKILLS.format(skills=args.ids("skillIds", SKILL.tag))
        sql.names.update(said=SAID_OF_SKILLS.format(names=names), query=QUERY_OF_SKILLS.format(names=names))
        sql.where("{child}.query is not null")
    else:
        sql.names.update(said=args.param("query"), query=args.custom(asked, "jsonb"))


@strawberry.input(description="Which snapshots; all conditions must hold.")
class VacancySnapshotFilter:
    """Which snapshots."""

    corpus: str | None = strawberry.field(default=strawberry.UNSET, description="Only those of this corpus.")
    digest: str | None = strawberry.field(default=strawberry.UNSET, description="Only that of this SHA-256.")


def _snapshots(args: Args, sql: Predicates) -> None:
    if "filter.corpus" in args:
        given = args.getter("filter.corpus")
        sql.where("{child}.key = {key}", key=args.custom(lambda call: folded(given(call)), "text"))
    if "filter.digest" in args:
        sql.where("{child}.digest = {digest}", digest=args.param("filter.digest"))


@strawberry.type
class CorpusQueries:
    """Root fields."""

    vacancy_snapshot: VacancySnapshot | None = find(description="One snapshot.")
    vacancy_snapshots: Connection[VacancySnapshot] = connection(
        where=_snapshots,
        args={"filter": arg(VacancySnapshotFilter | None, "Which of them.")},
        description="The vacancies in which evidence can be counted again.",
    )
    labour_market_evidence: VacancyCount | None = find(
        by_id=False,
        where=_counted,
        args={
            "corpus": arg(str, "The corpus's name."),
            "query": arg(
                str | None,
                "Terms that a vacancy asks for: commas part alternatives, a plus between spaces joins"
                " (`python + sql, r`); whole terms, without case.",
            ),
            "skill_ids": arg(
                list[strawberry.ID] | None,
                "Instead of a query: skills, of which a vacancy asks for any by any of its names; fifty names at most,"
                " preferred ones first.",
            ),
            "from": arg(date | None, "From this day."),
            "to": arg(date | None, "To this day."),
            "region": arg(str | None, "Only in this region, as the corpus writes it."),
            "snapshot_digest": arg(str | None, "In this snapshot; the newest if left out."),
        },
        description="How many vacancies of a corpus match: count, share and digest for labour-market evidence.",
    )
