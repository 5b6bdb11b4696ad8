"""How public documents are answered: verbatim bytes, entity tags, any origin may read, missing and private alike."""

from __future__ import annotations

from typing import Final, Protocol, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.trust.service import Published
from countersign.trust.signer import Signer

LD_JSON: Final = "application/ld+json"
JSON: Final = "application/json"
CREDENTIAL: Final = "application/vc"

FROZEN_SECONDS: Final = 86_400
MOVING_SECONDS: Final = 60

_OPEN: Final = {"access-control-allow-origin": "*", "x-content-type-options": "nosniff"}


class Tools(Protocol):
    """What the application keeps for its handlers, as far as this package needs it."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def signer(self) -> Signer:
        """The signer, with the addresses and the worker processes."""

    @property
    def sealer(self) -> Sealer:
        """Opens the sealed ids under which awards are shared."""


def tools(request: Request) -> Tools:
    """The application's tools."""
    return cast("Tools", request.app.state.tools)


def document(request: Request, published: Published, media_type: str, seconds: int) -> Response:
    """Serve bytes as they are, to be kept for `seconds`; 304 when the asker has them already."""
    headers = _OPEN | {"etag": published.etag, "cache-control": f"public, max-age={seconds}", "vary": "accept"}
    asked = request.headers.get("if-none-match", "")
    if published.etag in (tag.strip().removeprefix("W/") for tag in asked.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(published.body, media_type=media_type, headers=headers)


def absent() -> Response:
    """Say that there is nothing here: the same bytes for what is missing and for what is not for everybody."""
    return JSONResponse({"error": "There is nothing here."}, status_code=404, headers=_OPEN)


def refused(status: int, reason: str) -> Response:
    """Say why a request cannot be served."""
    return JSONResponse({"error": reason}, status_code=status, headers=_OPEN)


def credential_type(request: Request) -> str:
    """Give the media type for a credential: `application/vc` to who asks for it, else one that any client reads."""
    accepted = {part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")}
    return CREDENTIAL if CREDENTIAL in accepted else LD_JSON
