"""Personal values on their way out: SQL hands over the wrapped key and the sealed bytes, Python opens them."""

from __future__ import annotations

from typing import Final

from countersign.kit.vault import WRAPPED_BYTES
from countersign.reads.args import Call
from countersign.reads.slots import Maker

NUMBER: Final = 8


def payload(column: str) -> str:
    """SQL over `{t}`: the learner's number, the wrapped key, the sealed bytes; null when either is missing."""
    return (
        "(select int8send({t}.learner_id) || k.wrapped || "
        + column
        + " from learner_keys k where k.learner_id = {t}.learner_id)"
    )


def opener(name: str) -> Maker:
    """What opens such a payload of a column, `<table>.<column>`. Raises NotReadable for what was altered."""

    def make(given: bytes, call: Call) -> str:
        number, wrapped = int.from_bytes(given[:NUMBER], "big"), given[NUMBER : NUMBER + WRAPPED_BYTES]
        return call.vault.learner_key(number, wrapped).open(name, given[NUMBER + WRAPPED_BYTES :]).decode()

    return make
