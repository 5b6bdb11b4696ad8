"""Labour-market evidence of a corpus of ours is counted again before it is signed; any other says that it is not."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from countersign.corpora import service as corpora
from countersign.endorsements import jobs as signing
from countersign.endorsements import service as endorsements
from countersign.endorsements.evidence import LabourMarketEvidence
from countersign.endorsements.rules import State
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Refusal
from countersign.trust.signer import Signer
from tests.api import served
from tests.corpora.support import PERIOD, lines, made_corpus
from tests.factories import Factory
from tests.reviews.support import Scene, scene

DIGEST = hashlib.sha256(lines()).hexdigest()
TRUE = LabourMarketEvidence("Invented vacancies", "Python, r", "DE", *PERIOD, 3, 5, DIGEST)
SHOWN = """query ($id: ID!) { endorsement(id: $id) { evidence { narrative ... on LabourMarketEvidence {
  recomputed corpus query matched total snapshot { digest vacancies } } } } }"""


def word(here: Scene, piece: LabourMarketEvidence) -> endorsements.EndorseSpec:
    return endorsements.EndorseSpec(here.version, here.digest, "We hire.", evidence=(piece,))


@pytest.mark.parametrize("ours", [True, False])
async def test_the_signed_sentence_says_whether_it_was_counted_again(
    db: Database, signer: Signer, make: Factory, *, ours: bool
) -> None:
    piece = TRUE if ours else replace(TRUE, corpus="Labour office, quarterly", snapshot_digest="ab" * 32, matched=4)
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        await made_corpus(tx)
        key = await endorsements.endorse(tx, here.employer, word(here, piece))
    assert await signing.sign(db, signer, key) is State.IN_FORCE
    async with db.writer() as tx:
        credential = await endorsements.signed_endorsement(tx, key)
        assert credential is not None
        assert ("counted again here" if ours else "stated, not recomputed").encode() in credential
        counted = await corpora.recount(tx, piece.corpus, piece.query, piece.snapshot_digest, *PERIOD, "DE")
        assert (counted == corpora.Count(3, 5)) is ours
    async with served(db, signer, make) as api:
        (shown,) = (await api.ask(SHOWN, id=f"end_{key}"))["endorsement"]["evidence"]
    assert shown["recomputed"] is ours
    assert shown["snapshot"] == ({"digest": DIGEST, "vacancies": 5} if ours else None)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"matched": 4}, "matched", "counts 3 of 5"),
        ({"total": 6}, "matched", "counts 3 of 5"),
        ({"region": "DE-BE", "matched": 2, "total": 3}, "matched", "counts 2 of 2"),
        ({"period_to": date(2026, 2, 28)}, "matched", "counts 2 of 2"),
        ({"snapshot_digest": "ab" * 32}, "snapshotDigest", "no snapshot with this digest"),
        ({"corpus": "Another name"}, "snapshotDigest", "no snapshot with this digest"),
        ({"query": "python + "}, "query", "missing beside a plus"),
    ],
)
async def test_what_a_corpus_of_ours_does_not_say_is_refused_and_nothing_is_kept(
    tx: Tx, make: Factory, change: dict[str, Any], field: str, words: str
) -> None:
    here = await scene(tx, make, published=True)
    await made_corpus(tx)
    with pytest.raises(Refusal, match=words) as refused:
        await endorsements.endorse(tx, here.employer, word(here, replace(TRUE, **change)))
    assert refused.value.path == ("evidence", 0, field)
    assert await tx.fetchval("select count(*) from endorsements") == 0


async def test_nobody_marks_evidence_as_counted_by_saying_so(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    claimed = replace(TRUE, corpus="Elsewhere", snapshot_digest="ab" * 32, recomputed=True)
    await endorsements.endorse(tx, here.employer, word(here, claimed))
    assert await tx.fetchval("select payload->>'recomputed' from endorsement_evidence") == "false"
