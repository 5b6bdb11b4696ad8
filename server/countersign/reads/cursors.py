"""Cursors: the order key and key of a row, sealed, good only for the same list asked by the same caller.

A cursor among what is revealed (candidates) is good for a day, so that a list cannot be kept and walked later.
"""

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NewType

from countersign.reads.args import Call, stored
from countersign.reads.errors import BadInput, Path
from countersign.reads.slots import Maker

Cursor = NewType("Cursor", str)
TAG: Final = "cur"
PAGING: Final = frozenset({"first", "after", "last", "before"})
HOURS: Final = 24
"""How long a cursor that ends is good for: at least this, and up to an hour more, since full hours are counted."""
_PARTS: Final = 2
_HOUR: Final = struct.Struct(">I")


def scope(coordinate: str, values: Mapping[str, Any], call: Call) -> bytes:
    """What a cursor is bound to: the field, its arguments except paging, the acting organization and who asks."""
    kept = {name: stored(value) for name, value in values.items() if name not in PAGING}
    caller = [str(call.actor.organization_id), call.actor.identity]
    text = json.dumps([coordinate, kept, caller], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).digest()


def maker(coordinate: str, slot: int, *, ends: bool = False) -> Maker:
    """Makes the cursors of one field in a plan; `ends` when they are good for a day only."""

    def make(payload: bytes, call: Call) -> str:
        key = (coordinate, slot)
        if key not in call.scopes:  # a page has many cursors of one scope
            call.scopes[key] = scope(coordinate, call.values[slot], call)
        until = _HOUR.pack(_hour(call) + 1 + HOURS) if ends else b""
        return call.sealer.seal(TAG, call.scopes[key], until + payload)

    return make


def _hour(call: Call) -> int:
    """The hours since 1970. Counted in hours, so that a page is the same bytes when it is asked again."""
    return int((call.now or datetime.now(tz=UTC)).timestamp()) // 3600


def payload(order_key: str, key: str) -> str:
    """The SQL (bytea) of a cursor's content."""
    return f"convert_to(json_build_array(({order_key})::text, ({key})::text)::text, 'UTF8')"


def reader(
    coordinate: str, slot: int, name: str, part: int, path: Path, *, ends: bool = False
) -> Callable[[Call], str]:
    """Reads part 0 (the order key) or 1 (the key) of the cursor in argument `name`. Raises BadInput for any other."""

    def read(call: Call) -> str:
        text = str(call.values[slot][name])
        opened = call.sealer.open(TAG, scope(coordinate, call.values[slot], call), text)
        if opened is None or (ends and len(opened) <= _HOUR.size):
            raise BadInput(f"`{name}` is not a cursor of this list with these arguments", path)
        if ends:
            if _hour(call) >= _HOUR.unpack_from(opened)[0]:
                raise BadInput(f"`{name}` was good for a day; begin the list anew", path)
            opened = opened[_HOUR.size :]
        parts = json.loads(opened)
        if len(parts) != _PARTS:
            raise BadInput(f"`{name}` is not a cursor of this list with these arguments", path)
        return str(parts[part])

    return read
