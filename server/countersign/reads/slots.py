"""What only Python can make (sealed ids, signed cursors): SQL marks the place, Python fills it in the bytes.

The marker is a JSON string `~<nonce>:<number>:<hex>`. The nonce is random for each request and bound as a parameter,
so no stored text can pretend to be a marker; the payload is hexadecimal, so nothing in it needs escaping.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Final

from countersign.reads.args import Call, Parameters

Maker = Callable[[bytes, Call], str | None]
_MARKER: Final = re.compile(rb'"~([0-9a-f]{32}):([0-9]+):([0-9a-f]*)"')


def marker(parameters: Parameters, number: int, payload: str) -> str:
    """The SQL of a marker for the bytea expression `payload`; null stays null."""
    return f"('~' || {parameters.nonce()} || ':{number}:' || encode({payload}, 'hex'))"


def fill(data: bytes, makers: Sequence[Maker], call: Call) -> bytes:
    """The answer with every marker of this request replaced by what its maker says."""
    if not makers:
        return data
    nonce = call.nonce.encode()

    def made(found: re.Match[bytes]) -> bytes:
        if found[1] != nonce:
            return found[0]
        return json.dumps(makers[int(found[2])](bytes.fromhex(found[3].decode()), call), ensure_ascii=False).encode()

    return _MARKER.sub(made, data)
