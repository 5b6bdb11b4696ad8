"""Cursors: the order key and key of a row, sealed, good only for the same list asked by the same organization."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NewType

from countersign.reads.args import Call, stored
from countersign.reads.errors import BadInput, Path
from countersign.reads.slots import Maker

Cursor = NewType("Cursor", str)
TAG: Final = "cur"
PAGING: Final = frozenset({"first", "after", "last", "before"})
_PARTS: Final = 2


def scope(coordinate: str, values: Mapping[str, Any], call: Call) -> bytes:
    """What a cursor is bound to: the field, its arguments except paging, and the acting organization."""
    kept = {name: stored(value) for name, value in values.items() if name not in PAGING}
    text = json.dumps([coordinate, kept, str(call.actor.organization_id)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).digest()


def maker(coordinate: str, slot: int) -> Maker:
    """Makes the cursors of one field in a plan."""

    def make(payload: bytes, call: Call) -> str:
        key = (coordinate, slot)
        if key not in call.scopes:  # a page has many cursors of one scope
            call.scopes[key] = scope(coordinate, call.values[slot], call)
        return call.sealer.seal(TAG, call.scopes[key], payload)

    return make


def payload(order_key: str, key: str) -> str:
    """The SQL (bytea) of a cursor's content."""
    return f"convert_to(json_build_array(({order_key})::text, ({key})::text)::text, 'UTF8')"


def reader(coordinate: str, slot: int, name: str, part: int, path: Path) -> Callable[[Call], str]:
    """Reads part 0 (the order key) or 1 (the key) of the cursor in argument `name`. Raises BadInput for any other."""

    def read(call: Call) -> str:
        text = str(call.values[slot][name])
        opened = call.sealer.open(TAG, scope(coordinate, call.values[slot], call), text)
        if opened is None:
            raise BadInput(f"`{name}` is not a cursor of this list with these arguments", path)
        parts = json.loads(opened)
        if len(parts) != _PARTS:
            raise BadInput(f"`{name}` is not a cursor of this list with these arguments", path)
        return str(parts[part])

    return read
