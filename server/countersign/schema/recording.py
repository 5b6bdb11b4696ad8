"""What queries leave in the audit log: refusals, and looks at personal data, before the answer leaves."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from countersign.kit import audit
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Tx
from countersign.kit.refusals import Refusals
from countersign.schema.problems import Fault

REFUSALS: Final = frozenset({Fault.UNAUTHENTICATED.value, Fault.FORBIDDEN.value, Fault.RATE_LIMITED.value})
"""The codes of errors that are refusals and not mistakes."""


async def refused(refusals: Refusals, actor: Actor, kind: str, errors: Sequence[Mapping[str, Any]]) -> None:
    """Record what was refused for lack of authority or quota; commands record their own."""
    for error in errors:
        code = error["extensions"]["code"]
        if code in REFUSALS:
            action = str((error.get("path") or [kind])[0])
            await refusals.tell(actor, action, error["message"], code.lower())


async def looked(tx: Tx, actor: Actor, candidates: int) -> None:
    """Record, in the transaction that commits before the bytes leave, that candidates were shown."""
    if candidates:
        await tx.insert(await _read(tx, actor, "searchCandidates", f"{candidates} candidates"))


async def read(db: Database, actor: Actor, columns: Sequence[str]) -> None:
    """Record, before the bytes leave, which sealed columns of learners somebody reads."""
    async with db.writer() as tx:
        await tx.insert(await _read(tx, actor, "readPersonal", ", ".join(sorted(set(columns)))))


async def _read(tx: Tx, actor: Actor, action: str, what: str) -> audit.AuditEvent:
    rule = Permission.SEARCH_CANDIDATES.value if action == "searchCandidates" else None
    decision = audit.Decision.READ
    return audit.record(actor, action, await tx.now(), subject=None, decision=decision, reason=what, rule=rule)
