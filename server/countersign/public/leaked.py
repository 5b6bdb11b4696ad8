"""`/leaked`: how our tokens look, for who scans for secrets, and where a token that was found is ended."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from countersign.organizations import rules, tokens
from countersign.public import answers

LARGEST: Final = 64 * 1024
PATTERN: Final = {
    "name": "Countersign token",
    "regex": rf"\b{rules.TOKEN.pattern}\b",
    "prefixes": {prefix: mode for mode, prefix in rules.PREFIXES.items()},
    "checksum": "The last 6 characters are the CRC-32 of all before them, in base 62 (0-9, A-Z, a-z).",
}


class Unreadable(ValueError):
    """The body is no report."""


async def pattern(request: Request) -> Response:
    """How a token looks, and where to report one."""
    origin = answers.tools(request).signer.addresses.origin
    report = {"method": "POST", "url": f"{origin}/leaked", "body": {"tokens": ["ctsk_…"]}}
    return JSONResponse(
        PATTERN | {"report": report},
        headers={"access-control-allow-origin": "*", "cache-control": "public, max-age=3600"},
    )


async def report(request: Request) -> Response:
    """End the tokens of a report at once: `{"tokens": […]}`, or a list of objects with `token`, as scanners send it.

    Anybody may: who has the text of a token could use it. The answer is the same whether any of them was good, so that
    nothing is learned of a token by reporting it. 413 above 64 KiB, 415 for another type than JSON, 400 for anything
    that is no report of at most 100 tokens.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return answers.refused(415, "Send the tokens as application/json.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return answers.refused(413, "A report has at most 64 KiB.")
    try:
        found = _tokens(bytes(body))
    except Unreadable:
        return answers.refused(400, f'Send {{"tokens": […]}} with at most {tokens.LEAKED_AT_ONCE} tokens.')
    async with answers.tools(request).db.writer() as tx:
        await tokens.report_leaked(tx, found)
    return JSONResponse({"received": len(found)}, status_code=202, headers={"cache-control": "no-store"})


def _tokens(body: bytes) -> list[str]:
    """The texts of a report. Raises Unreadable."""
    try:
        given: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable from None
    if isinstance(given, dict):
        given = given.get("tokens")
    if not isinstance(given, list) or len(given) > tokens.LEAKED_AT_ONCE:
        raise Unreadable
    texts = [item.get("token") if isinstance(item, dict) else item for item in given]
    found = [text.strip() for text in texts if isinstance(text, str)]
    if len(found) < len(texts):
        raise Unreadable
    return found
