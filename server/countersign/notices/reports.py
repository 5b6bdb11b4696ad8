"""What a letter's report changes: an address that is not there bounces late, an unwanted letter is the last."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from countersign.kit.db import Tx
from countersign.notices import mailboxes, rules_mailbox
from countersign.notices.rules_mailbox import Act, State
from countersign.notices.rules_reports import Fate, Report

_ACTS: Final = {Fate.NO_SUCH_ADDRESS: Act.BOUNCE, Fate.UNWANTED: Act.UNSUBSCRIBE}


async def take(tx: Tx, report: Report) -> UUID | None:
    """Believe a report about a letter of ours; the mailbox that it changed, None when it changed none.

    What came back is in the inbox from then on, and an address that is not there gets nothing more, exactly as when the
    mail server refuses it at once. An address that was named after the letter was made is not blamed. A report that
    comes twice, or after its letter is forgotten (30 days), changes nothing.
    """
    letter = await tx.fetchrow(
        "select m.id, m.mailbox_id, m.state, m.created_at, b.state as address, b.nonce, b.confirm_until"
        " from mails m join mailboxes b on b.id = m.mailbox_id where m.id = $1 for update of m, b",
        report.letter_id,
    )
    if letter is None or letter["state"] != "sent":
        return None
    if report.fate is not Fate.UNWANTED:
        await tx.execute("update mails set state = 'failed', problem = $2 where id = $1", letter["id"], "it came back")
        await mailboxes.bring_in(tx, [letter["id"]])
    act = _ACTS.get(report.fate)
    named_at = None if letter["confirm_until"] is None else letter["confirm_until"] - rules_mailbox.CONFIRMATION
    if act is None or named_at is None or letter["created_at"] < named_at:
        return None
    if rules_mailbox.MOVES.get((State(letter["address"]), act)) in {None, State(letter["address"])}:
        return None
    await mailboxes.follow_report(tx, letter["mailbox_id"], letter["nonce"], act)
    mailbox_id: UUID = letter["mailbox_id"]
    return mailbox_id
