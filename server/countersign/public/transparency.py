"""The transparency log for everybody: checkpoint, key, proofs, and the tiles of C2SP tlog-tiles."""

from __future__ import annotations

import json
import re
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from countersign.log import service
from countersign.log.rules import TILE_WIDTH
from countersign.log.rules_notes import LogVerifier
from countersign.public import answers
from countersign.trust.service import published

BYTES: Final = "application/octet-stream"
_NEWEST: Final = {"access-control-allow-origin": "*", "x-content-type-options": "nosniff", "cache-control": "no-cache"}
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_TILE: Final = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_HIGHEST: Final = 7  # of tiles: 256 to the eighth leaves are more than a bigint counts


async def about(request: Request) -> Response:
    """What the log is: its name, the key that signs it, how many leaves it has, and where the rest is."""
    verifier: LogVerifier | None = request.app.state.log_verifier
    async with answers.tools(request).db.fresh_reader() as reader:
        size = await service.last_size(reader)
    told = {
        "origin": verifier.name if verifier else None,
        "key": verifier.text if verifier else None,
        "size": size,
        "checkpoint": "/log/checkpoint",
        "inclusion": "/log/proof/inclusion?digest={SHA-256 of the bytes}, or ?index={leaf}&size={checkpoint}",
        "consistency": "/log/proof/consistency?from={checkpoint}&to={checkpoint}",
        "tiles": "/log/tile/{level}/{index}, /log/tile/entries/{index}",
    }
    return answers.document(request, published(json.dumps(told).encode()), answers.JSON, 1)


async def key(request: Request) -> Response:
    """The key that signs checkpoints, as C2SP signed notes write it: name, hash and key."""
    verifier: LogVerifier | None = request.app.state.log_verifier
    return answers.absent() if verifier is None else PlainTextResponse(verifier.text + "\n", headers=_NEWEST)


async def checkpoint(request: Request) -> Response:
    """The newest checkpoint (C2SP tlog-checkpoint), or with `size` the one over so many leaves."""
    size = _number(request, "size")
    async with answers.tools(request).db.fresh_reader() as reader:
        note = await service.checkpoint(reader, size)
    return answers.absent() if note is None else PlainTextResponse(note, headers=_NEWEST)


async def inclusion(request: Request) -> Response:
    """That a leaf is under a checkpoint: by `index`, or by the SHA-256 of the bytes that you hold (`digest`)."""
    digest, index = request.query_params.get("digest", ""), _number(request, "index")
    async with answers.tools(request).db.fresh_reader() as reader:
        if index is None and _DIGEST.fullmatch(digest):
            index = await service.place_of(reader, digest)
        found = None if index is None else await service.inclusion(reader, index, _number(request, "size"))
    if found is None:
        return answers.absent()
    told = {
        "index": found.index,
        "leaf": found.leaf.decode(),
        "contentSalt": found.salt.hex() if found.salt is not None else None,
        "proof": [part.hex() for part in found.proof],
        "checkpoint": found.note,
    }
    return answers.document(request, published(json.dumps(told).encode()), answers.JSON, 1)


async def consistency(request: Request) -> Response:
    """That the tree of one checkpoint begins with the whole tree of an older one."""
    old, new = _number(request, "from"), _number(request, "to")
    async with answers.tools(request).db.fresh_reader() as reader:
        proof = None if old is None or new is None else await service.consistency(reader, old, new)
    if proof is None:
        return answers.absent()
    told = {"from": old, "to": new, "proof": [part.hex() for part in proof]}
    return answers.document(request, published(json.dumps(told).encode()), answers.JSON, answers.FROZEN_SECONDS)


async def tile(request: Request) -> Response:
    """The hashes of a tile; `…/entries/…` are the leaves themselves."""
    place = _TILE.fullmatch(request.path_params["place"])
    level = request.path_params["level"]
    if place is None or not (level == "entries" or (_NUMBER.fullmatch(level) and int(level) <= _HIGHEST)):
        return answers.absent()
    index, width = int(place[1].replace("x", "").replace("/", "")), int(place[2] or TILE_WIDTH)
    async with answers.tools(request).db.fresh_reader() as reader:
        if level == "entries":
            found = await service.entries(reader, index, width)
        else:
            found = await service.tile(reader, int(level), index, width)
    if found is None:
        return answers.absent()
    return answers.document(request, published(found), BYTES, answers.FROZEN_SECONDS)


def _number(request: Request, name: str) -> int | None:
    given = request.query_params.get(name, "")
    return int(given) if _NUMBER.fullmatch(given) else None
