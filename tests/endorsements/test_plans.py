"""How PostgreSQL finds the endorsements of a version: by the version, whatever the condition on time."""

from __future__ import annotations

import pytest

from countersign.endorsements.views import IN_FORCE_AT, LIVE
from countersign.kit.db import Tx
from countersign.kit.ids import new_id


@pytest.mark.parametrize("condition", [LIVE.format(e="e", now="now()"), IN_FORCE_AT.format(e="e", at="now()")])
async def test_the_index_of_ranges_is_for_the_constraint_and_not_for_reading(tx: Tx, condition: str) -> None:
    await tx.execute("set local enable_seqscan = off")
    rows = await tx.fetch(
        f"explain select e.id from endorsements e where e.spec_version_id = $1 and {condition}", new_id()
    )
    plan = "\n".join(row[0] for row in rows)
    assert "endorsements_one_in_force" not in plan
    assert "spec_version_id = " in plan
