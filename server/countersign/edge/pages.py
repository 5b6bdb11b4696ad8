"""The pages at `/` and `/claim`, the built bundles under `/ui/`, and the demo's one-click sign-in."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from countersign.config import ROOT, Mode, Settings

PAGE: Final = Path(str(files("countersign") / "data" / "page"))
BUNDLES: Final = ROOT / "frontend_stub" / "dist"
GRAPHIQL: Final = BUNDLES / "graphiql" / "index.html"
TOKENS: Final = "demo-tokens.json"
LINKS: Final = "demo-links"

_SHUT: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
POLICY: Final = (
    f"{_SHUT}; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
# GraphiQL's editor writes its styles while it runs, and its workers start from our own files.
GRAPHIQL_POLICY: Final = (
    f"{_SHUT}; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:;"
    " connect-src 'self'; worker-src 'self' blob:"
)
GUARDED: Final = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


def routes(settings: Settings | None) -> list[BaseRoute]:
    """The page and its files; in a demo also the sign-in (never without settings), in production GraphiQL."""
    shown: list[BaseRoute] = [
        Route("/", home, methods=["GET"]),
        Route("/join", join, methods=["GET"]),
        Route("/claim", learner, methods=["GET"]),
        Route("/review", expert, methods=["GET"]),
        Mount("/page", Files(PAGE)),
        Mount("/ui", Files(BUNDLES)),
    ]
    if settings is not None and settings.mode is Mode.PRODUCTION:
        shown.append(Route("/graphiql", graphiql, methods=["GET"]))
    if settings is None or settings.mode is not Mode.DEMO:
        return [*shown, Route("/demo/roles", no_roles, methods=["GET"])]
    sign_in = SignIn(settings)
    return [
        *shown,
        Route("/demo/roles", sign_in.roles, methods=["GET"]),
        Route("/demo/{role}", sign_in.enter, methods=["GET"]),
    ]


async def home(_request: Request) -> Response:
    """The page."""
    headers = {**GUARDED, "content-security-policy": POLICY, "cache-control": "no-cache"}
    return FileResponse(PAGE / "index.html", headers=headers)


async def join(_request: Request) -> Response:
    """Where an invitation is accepted: the same page for everybody, since its text never reaches the server."""
    headers = {**GUARDED, "content-security-policy": POLICY, "cache-control": "no-cache"}
    return FileResponse(PAGE / "join.html", headers=headers)


async def expert(_request: Request) -> Response:
    """Where an outside expert reviews: the same page for everybody, since the link's text never reaches the server."""
    headers = {**GUARDED, "content-security-policy": POLICY, "cache-control": "no-cache"}
    return FileResponse(PAGE / "review.html", headers=headers)


async def learner(_request: Request) -> Response:
    """The learner's page: claim, allow, take back. A link stands in the fragment, which is sent to nobody."""
    headers = {**GUARDED, "content-security-policy": POLICY, "cache-control": "no-cache"}
    return FileResponse(PAGE / "learner.html", headers=headers)


async def graphiql(_request: Request) -> Response:
    """GraphiQL at an address of its own: in production `/graphql` is for programs."""
    if not GRAPHIQL.is_file():
        return PlainTextResponse("GraphiQL is not built: python3 server ui-build\n", 404, {"cache-control": "no-store"})
    headers = {**GUARDED, "content-security-policy": GRAPHIQL_POLICY, "cache-control": "no-cache"}
    return FileResponse(GRAPHIQL, headers=headers)


async def no_roles(_request: Request) -> Response:
    """Outside a demo nobody signs in by a click: no role, so that the page need not ask what it is on."""
    return JSONResponse({}, headers={**GUARDED, "cache-control": "no-store"})


class Files(StaticFiles):
    """Static files that nobody sniffs; those with a digest in their name are kept for good."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)

    async def check_config(self) -> None:
        """A bundle that is not built yet has no files: they are not found, and that is no failure of ours."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file."""

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                kept = "public, max-age=31536000, immutable" if "/assets/" in scope["path"] else "no-cache"
                more = {**GUARDED, "cache-control": kept}
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in more.items())]
            await send(message)

        await super().__call__(scope, receive, guarded)


class SignIn:
    """One click signs in as somebody of the demo. The tokens are random, of this run, and kept in a file of ours.

    The click is one on our own page, as often as wanted, or one on a link that was printed, which is good once. Answers
    only under the demo's own host name, so that no other site can have itself resolved to this machine.
    """

    def __init__(self, settings: Settings) -> None:
        self._file = settings.data / TOKENS
        self._links = settings.data / LINKS
        self._host = urlsplit(settings.public_origin).netloc

    async def enter(self, request: Request) -> Response:
        """To GraphiQL, signed in: the token travels in the fragment, which browsers send to nobody.

        Any other way of coming here leads to the page.
        """
        role = request.path_params["role"]
        given = self._tokens(request).get(role)
        if given is None:
            return PlainTextResponse("there is no such role in this demo\n", 404, {"cache-control": "no-store"})
        if request.headers.get("sec-fetch-site") != "same-origin" and not self._take(request, role):
            return Response(status_code=303, headers={**GUARDED, "location": "/", "cache-control": "no-store"})
        target = f"/graphql?{urlencode({'role': role})}#{urlencode({'token': given['token']})}"
        return Response(status_code=303, headers={**GUARDED, "location": target, "cache-control": "no-store"})

    async def roles(self, request: Request) -> Response:
        """Every role with its organization and token, for this origin's own page."""
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return PlainTextResponse("for the page at / alone\n", 403, {"cache-control": "no-store"})
        return JSONResponse(self._tokens(request), headers={**GUARDED, "cache-control": "no-store"})

    def _take(self, request: Request, role: str) -> bool:
        """Use up the link that was followed; False when it is not good for this role, or not any more."""
        secret = request.query_params.get("once", "")
        link = self._links / hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
        try:
            if request.method != "GET" or link.read_text(encoding="utf-8") != role:
                return False
            link.unlink()
        except OSError:
            return False
        return True

    def _tokens(self, request: Request) -> dict[str, dict[str, Any]]:
        if request.headers.get("host") != self._host or not self._file.is_file():
            return {}
        tokens: dict[str, dict[str, Any]] = json.loads(self._file.read_text(encoding="utf-8"))
        return tokens
