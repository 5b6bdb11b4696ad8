"""Review anew only what changed: a request that carries the earlier review, and what of it still stands.

After a material change the school asks the same organization again. The reviewer looks at the sections that changed and
scores the criteria that they touch; the other scores are carried from the earlier review, and shown as carried.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from countersign.kit.db import Tx
from countersign.kit.errors import Code, NotFound, Refusal
from countersign.reviews.rules import Score
from countersign.specs import service as specs
from countersign.specs.sections import Section
from countersign.specs.service import FrozenVersion

TOUCHED: Final[Mapping[Section, frozenset[str]]] = {
    Section.OVERVIEW: frozenset({"R7", "R9"}),
    Section.OUTCOMES: frozenset({"R1", "R2", "R5", "R7", "R9"}),
    Section.ASSESSMENT: frozenset({"R3", "R5", "R6"}),
    Section.TOOLCHAIN: frozenset({"R4"}),
    Section.SKILLS: frozenset({"R1", "R9"}),
    Section.WORKLOAD: frozenset({"R5"}),
    Section.DELIVERY: frozenset({"R6", "R11"}),
    Section.QUALITY: frozenset({"R10"}),
    Section.STACKING: frozenset({"R8"}),
}
"""The criteria of the platform's rubric that a change of a section asks anew.

A criterion that is nowhere here, as those of organizations' own rubrics, is always scored anew.
"""

_KNOWN: Final = frozenset().union(*TOUCHED.values())


class NothingChanged(Refusal):
    """Nothing changed since that review: there is nothing to review anew."""

    code = Code.INVALID_STATE


class NotBlind(Refusal):
    """A renewal cannot be blind: the earlier review names the version, and with it the school."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """The earlier review, the sections that changed since, and the criteria whose scores carry."""

    review_id: UUID
    sections: tuple[str, ...]
    carried: tuple[str, ...]


def carried(scored: Iterable[str], changed: Collection[Section]) -> tuple[str, ...]:
    """Of the criteria that were scored, those that no changed section touches."""
    anew = frozenset().union(*(TOUCHED[section] for section in changed))
    return tuple(code for code in scored if code in _KNOWN and code not in anew)


async def plan(tx: Tx, version: FrozenVersion, organization_id: UUID, review_id: UUID, *, blind: bool) -> Renewal:
    """What a renewal asks of the organization that wrote the review of an earlier version.

    Raises NotBlind, NotFound (another organization's review, or of another specification or a later version, or a
    voided one), NothingChanged.
    """
    if blind:
        raise NotBlind(path=("blind",))
    row = await tx.fetchrow(
        "select r.scores, r.spec_version_id from reviews r join spec_versions v on v.id = r.spec_version_id"
        " join spec_versions n on n.id = $2 and n.spec_id = v.spec_id and n.ordinal > v.ordinal"
        " where r.id = $1 and r.organization_id = $3 and r.voided_at is null",
        *(review_id, version.id, organization_id),
    )
    if row is None:
        raise NotFound(what="review", path=("previousReviewId",))
    diff = await specs.difference(tx, row["spec_version_id"], version.id)
    if not diff.changes:
        raise NothingChanged(path=("previousReviewId",))
    sections = tuple(section.value for section in diff.sections)
    return Renewal(review_id, sections, carried([s["criterion"] for s in row["scores"]], diff.sections))


def to_view(request: asyncpg.Record, needed: Collection[Section]) -> frozenset[Section]:
    """Of the sections that have something to read, those that the reviewer must look at."""
    changed = request["sections"]
    return frozenset(needed) if changed is None else frozenset(s for s in needed if s.value in changed)


async def fill(tx: Tx, request: asyncpg.Record, rubric_version_id: UUID, given: Iterable[Score]) -> tuple[Score, ...]:
    """The given scores, and for criteria without one those that carry; by another rubric nothing carries."""
    scores = tuple(given)
    if request["previous_review_id"] is None:
        return scores
    earlier: list[dict[str, Any]] | None = await tx.fetchval(
        "select scores from reviews where id = $1 and rubric_version_id = $2",
        *(request["previous_review_id"], rubric_version_id),
    )
    have = {score.criterion for score in scores}
    keep = set(request["carried"] or ()) - have
    return scores + tuple(Score(**score) for score in earlier or () if score["criterion"] in keep)
