"""The cheapest no: while everybody would be refused, requests are answered before anything is made of them."""

from __future__ import annotations

from time import monotonic
from typing import Final

from countersign.edge.admission import Admission, Busy
from countersign.edge.exchange import by_hand
from countersign.edge.negotiation import JSON
from countersign.edge.responses import told
from countersign.kit.ids import new_id
from countersign.kit.logs import logger

PAUSE: Final = 1.0

log = logger("edge")


class Shedding:
    """Says no for the admission. The log has one line a second for all of them, since a line costs as much as a no."""

    def __init__(self, admission: Admission, *headers: tuple[bytes, bytes]) -> None:
        self._admission = admission
        self._more = b"".join(b"%b: %b\r\n" % line for line in headers)
        self._refused = 0
        self._said_at = 0.0

    def __call__(self, common: bytes) -> bytes | None:
        """The whole answer to one more request to `/graphql`; None while there is room for it."""
        wait = self._admission.wait_beyond_reason
        if wait is None:
            return None
        busy = Busy(wait)
        name = new_id().hex
        self._refused += 1
        now = monotonic()
        if now - self._said_at > PAUSE:
            log.warning("shedding", refused=self._refused, path="/graphql", status=busy.status)
            self._refused, self._said_at = 0, now
        more = b"%b%bretry-after: %d\r\nvary: Accept\r\n" % (common, self._more, wait)
        return by_hand(busy.status, JSON, told(busy.message, busy.code, name, wait), name, more)
