"""The links of letters: confirm an address, have nothing more sent to it. A page changes nothing, its button does.

Mail programs open links by themselves to look at them, so only a POST counts. `List-Unsubscribe` (RFC 8058) is that
same POST, sent by the mail program without a page, a cookie or a sign-in.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from countersign.kit.db import Tx
from countersign.notices import mailboxes
from countersign.public import answers
from countersign.public.markup import Page, add, answer, frame, page_of, render

LARGEST: Final = 4 * 1024
GONE: Final = "link_gone"
PURPOSES: Final = {"confirm": mailboxes.CONFIRM, "unsubscribe": mailboxes.UNSUBSCRIBE}


async def page(request: Request) -> Response:
    """The page behind a link: what it would do, and a button; the same for every link, good or not."""
    purpose = request.path_params["purpose"]
    shown = page_of(request)
    link = urlencode({name: request.query_params.get(name, "") for name in ("box", "code")})
    body, html = frame(shown, shown.say(f"{purpose}_title"), f"&{link}")
    add(body, "p", shown.say(f"{purpose}_lead"))
    form = add(body, "form", None, method="post", action=f"/notices/{purpose}?lang={shown.language}&{link}")
    add(form, "button", shown.say(f"{purpose}_button"), type="submit")
    return answer(render(html))


async def follow(request: Request) -> Response:
    """Do what the link says; 404 with the same words for every link that is not good."""
    purpose = request.path_params["purpose"]
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            return answers.refused(413, "There is nothing to send here.")
    shown = page_of(request)
    box, code = _uuid(request.query_params.get("box", "")), request.query_params.get("code", "")
    if box is None or not code.isascii():
        return _said(shown, GONE, 404)
    async with answers.tools(request).db.writer() as tx:
        done = await _followed(tx, PURPOSES[purpose], box, code)
    return _said(shown, f"{purpose}_done") if done else _said(shown, GONE, 404)


async def _followed(tx: Tx, purpose: str, box: UUID, code: str) -> bool:
    try:
        await mailboxes.follow_link(tx, purpose, box, code)
    except mailboxes.BadLink:
        return False
    return True


def _said(page: Page, name: str, status: int = 200) -> Response:
    body, html = frame(page, page.say(f"{name}_title"))
    add(body, "p", page.say(name))
    return answer(render(html), status)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
