"""Pages behind the addresses that stand in signed documents: the issuer's `url` and the version's criteria."""

from __future__ import annotations

import json
from typing import Any
from xml.etree.ElementTree import Element

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countersign.organizations import service as organizations
from countersign.organizations.service import Profile
from countersign.public import answers, pages
from countersign.public.markup import Page, add, answer, frame, page_of, render
from countersign.specs import service as specs
from countersign.specs.service import FrozenVersion


async def organization(request: Request) -> Response:
    """Who an organization is, whether it was verified, and where its keys are."""
    page = page_of(request)
    async with answers.tools(request).db.reader() as connection:
        profile = await organizations.profile(connection, request.path_params["handle"])
    if profile is None:
        return answer(pages.absent_page(page), status=404)
    return answer(organization_page(page, profile))


async def spec(request: Request) -> Response:
    """The stable address of a specification leads to its version of today."""
    async with answers.tools(request).db.writer() as tx:
        version = await specs.latest_version(tx, request.path_params["slug"])
    if version is None:
        return answer(pages.absent_page(page_of(request)), status=404)
    return RedirectResponse(f"/specs/{version.slug}/versions/{version.semver}/criteria", status_code=307)


async def criteria(request: Request) -> Response:
    """How a published version is earned, in the words that were frozen."""
    page = page_of(request)
    async with answers.tools(request).db.writer() as tx:
        version = await specs.frozen_version(tx, request.path_params["slug"], request.path_params["semver"])
    if version is None:
        return answer(pages.absent_page(page), status=404)
    return answer(criteria_page(page, version))


def organization_page(page: Page, profile: Profile) -> bytes:
    """The page of an organization."""
    body, html = frame(page, profile.display_name)
    if profile.fictional:
        add(body, "p", page.say("fictional"))
    listed = add(body, "dl", None)
    _fact(page, listed, "legal_name", profile.legal_name)
    _fact(page, listed, "kind", page.say(f"kind_{profile.kind}"))
    _fact(page, listed, "country", profile.country)
    _fact(page, listed, "verification", page.say(f"verification_{profile.verification}"))
    _fact(page, listed, "domains", ", ".join(profile.domains))
    add(add(body, "p", None), "a", page.say("keys"), href=f"/orgs/{profile.handle}/did.json")
    return render(html)


def criteria_page(page: Page, version: FrozenVersion) -> bytes:
    """The page of a version's criteria."""
    frozen: dict[str, Any] = json.loads(version.achievement)
    body, html = frame(page, f"{version.title} {version.semver}")
    add(body, "p", frozen["description"])
    add(body, "h2", page.say("criteria"))
    add(body, "p", frozen["criteria"].get("narrative"), **{"class": "words"})
    listed = add(body, "dl", None)
    _fact(page, listed, "issuer", version.school_name)
    _fact(page, listed, "digest_of_text", version.digest)
    path = f"/specs/{version.slug}/versions/{version.semver}"
    for name, address in (("achievement", path), ("spec_json", f"{path}/spec.json")):
        add(add(body, "p", None), "a", page.say(name), href=address)
    return render(html)


def _fact(page: Page, listed: Element, name: str, value: str) -> None:
    if value:
        pair = add(listed, "div", None)
        add(pair, "dt", page.say(name))
        add(pair, "dd", value)
