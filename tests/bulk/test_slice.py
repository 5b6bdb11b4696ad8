"""From the announcement of a file to its awards, and out again."""

from __future__ import annotations

from tests.bulk.support import House, lines, objects, row


async def test_a_school_brings_awards_and_takes_them_out_again(house: House) -> None:
    done = await house.imported(lines([row(1), row(2), row(3)]))
    assert (done["state"], done["rowsCreated"], done["rowsUnchanged"], done["rowErrorCount"]) == ("COMPLETED", 3, 0, 0)
    assert await house.awards() == 3
    out = await house.exported("{ awards(first: 1) { nodes { id holderName earnedOn school { handle } } } }")
    assert (out["state"], out["rowsDone"], out["failure"]) == ("COMPLETED", 3, None)
    fetched = await house.get(out["resultUrl"])
    assert [o["holderName"] for o in objects(fetched.content)] == ["Learner 1", "Learner 2", "Learner 3"]
