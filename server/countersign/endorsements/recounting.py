"""Labour-market evidence is counted again before it is signed, where the corpus is ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from countersign.corpora import service as corpora
from countersign.endorsements.evidence import Evidence, LabourMarketEvidence
from countersign.kit.db import Tx
from countersign.kit.errors import Code, Path, Refusal


class Miscounted(Refusal):
    """{corpus} counts {matched} of {total} for this query, region and period: ask labourMarketEvidence and say so."""

    code = Code.INVALID


class UnknownSnapshot(Refusal):
    """{corpus} has no snapshot with this digest here: ask vacancySnapshots for the digests that there are."""

    code = Code.NOT_FOUND


async def recounted(tx: Tx, pieces: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The pieces, each labour-market evidence of a corpus of ours counted again and marked so.

    What names a corpus that is not here stays as it is: stated, not recomputed, and its sentence says so. Raises
    Miscounted, UnknownSnapshot, and what a query is refused for, each with its place.
    """
    found = []
    for number, piece in enumerate(pieces):
        if isinstance(piece, LabourMarketEvidence):
            found.append(await _recounted(tx, piece, ("evidence", number)))
        else:
            found.append(piece)
    return tuple(found)


async def _recounted(tx: Tx, piece: LabourMarketEvidence, path: Path) -> Evidence:
    if not await corpora.is_ours(tx, piece.corpus, piece.snapshot_digest):
        return replace(piece, recomputed=False)
    counted = await corpora.recount(
        *(tx, piece.corpus, piece.query, piece.snapshot_digest),
        *(piece.period_from, piece.period_to, piece.region),
        path=(*path, "query"),
    )
    if counted is None:
        raise UnknownSnapshot(corpus=piece.corpus, path=(*path, "snapshotDigest"))
    if (counted.matched, counted.total) != (piece.matched, piece.total):
        raise Miscounted(corpus=piece.corpus, matched=counted.matched, total=counted.total, path=(*path, "matched"))
    return replace(piece, recomputed=True)
