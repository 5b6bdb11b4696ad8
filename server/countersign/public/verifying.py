"""`/verify`, `/v/<id>` and `/awards/<id>`: judging for people and for programs, and what is shared by its holder."""

from __future__ import annotations

from importlib import resources
from typing import Final
from urllib.parse import parse_qs
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from countersign.awards import credentials as awards
from countersign.endorsements import service as endorsements
from countersign.kit.errors import Refusal
from countersign.public import answers, pages
from countersign.public.markup import answer, page_of
from countersign.public.texts import text
from countersign.public.verification import judge
from countersign.trust.canonical_proof import date_time
from countersign.trust.service import published
from countersign.trust.verify_reading import LARGEST
from countersign.trust.workers import Crowded

_FORM: Final = "application/x-www-form-urlencoded"
_JSON_TYPES: Final = frozenset({"application/json", "application/ld+json", "application/vc"})
_LARGEST_FORM: Final = 3 * LARGEST + 1_024  # a form writes most characters of JSON as three


class TooLarge(Exception):
    """The body of a request is larger than what is read."""


async def verify_page(request: Request) -> Response:
    """The form to paste a credential into."""
    return answer(pages.verify_form(page_of(request)))


async def verify(request: Request) -> Response:
    """Judge a credential: JSON in gives JSON out, the form gives a page.

    413 above 256 KB, 415 for another content type, 503 while too many are being judged; whatever else is in the body
    is judged, and the answer is 200.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON_TYPES | {_FORM}:
        return answers.refused(415, "Send the credential as application/json.")
    try:
        body = await _body(request, _LARGEST_FORM if kind == _FORM else LARGEST)
    except TooLarge:
        return _refused(request, kind, 413, "too_large")
    pasted = _pasted(body) if kind == _FORM else body.decode("utf-8", "replace")
    try:
        judgement = await judge(answers.tools(request), pasted)
    except Crowded:
        return _refused(request, kind, 503, "crowded")
    if kind == _FORM:
        return answer(pages.judgement_page(page_of(request), pasted, judgement, None))
    return JSONResponse(
        {"checkedAt": date_time(judgement.at)} | judgement.report.as_json(),
        headers={"access-control-allow-origin": "*", "cache-control": "no-store", "x-content-type-options": "nosniff"},
    )


def _pasted(form: bytes) -> str:
    try:
        return parse_qs(form.decode("utf-8", "replace"), max_num_fields=10).get("credential", [""])[0]
    except ValueError:
        return ""  # more fields than our form has: nothing that we asked for


async def shared(request: Request) -> Response:
    """The page behind a shared link: an endorsement by its id, an award by its sealed id only."""
    name = request.path_params["id"]
    found = await _endorsement(request, name)
    path = f"/endorsements/{name}"
    if found is None:
        try:
            found, path = await _award(request, name), f"/awards/{name}"
        except awards.Erased:
            return answer(pages.erased_page(page_of(request)), status=410)
    if found is None:
        return answer(pages.absent_page(page_of(request)), status=404)
    credential = found.decode()
    try:
        judgement = await judge(answers.tools(request), credential)
    except Crowded:
        return _refused(request, _FORM, 503, "crowded")
    return answer(pages.judgement_page(page_of(request), credential, judgement, path))


async def award(request: Request) -> Response:
    """A signed award, for who was given its sealed id.

    The plain id of an award is no address: it can be guessed from a neighbour's, and a document of a person is served
    to nobody whom the person did not give the link. Plain, missing and private ids get the same answer.
    """
    try:
        signed = await _award(request, request.path_params["id"])
    except awards.Erased:
        return answers.refused(410, text("en", "erased"))
    if signed is None:
        return answers.absent()
    served = answers.document(request, published(signed), answers.credential_type(request), 0)
    served.headers["cache-control"] = "private, no-store"
    served.headers["x-robots-tag"] = "noindex"
    return served


async def style(request: Request) -> Response:
    """The looks of the pages."""
    css = resources.files(__package__).joinpath("assets", "verify.css").read_bytes()
    return answers.document(request, published(css), "text/css", answers.MOVING_SECONDS)


async def _award(request: Request, name: str) -> bytes | None:
    tools = answers.tools(request)
    try:
        return await awards.shared_credential(tools.db, tools.signer, tools.sealer, name)
    except Refusal:
        return None  # it was never signed, and its school may not sign now


async def _endorsement(request: Request, name: str) -> bytes | None:
    try:
        endorsement_id = UUID(name)
    except ValueError:
        return None
    if str(endorsement_id) != name:
        return None
    async with answers.tools(request).db.writer() as tx:
        return await endorsements.signed_endorsement(tx, endorsement_id)


def _refused(request: Request, kind: str, status: int, reason: str) -> Response:
    if kind == _FORM:
        page = page_of(request)
        refusal = answer(pages.verify_form(page, page.say(reason)), status=status)
    else:
        refusal = answers.refused(status, text("en", reason))
    if status == 503:  # noqa: PLR2004 - HTTP's "come again"
        refusal.headers["retry-after"] = "2"
    return refusal


async def _body(request: Request, largest: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > largest:
            raise TooLarge
    return bytes(body)
