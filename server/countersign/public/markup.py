"""Plain HTML built as a tree, so that whatever a credential says is text and never markup. No script, no picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.requests import Request
from starlette.responses import Response

from countersign.public.texts import LANGUAGES, choose, text

_NOT_XML: Final = {code: None for code in range(32) if code not in {9, 10, 13}} | {0xFFFE: None, 0xFFFF: None}

_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What a page needs to know of its reader."""

    language: str

    def say(self, name: str, **values: str) -> str:
        """Give a text in the page's language."""
        return text(self.language, name, **values)


def page_of(request: Request) -> Page:
    """Choose the page's language by the address, else by the browser."""
    return Page(choose(request.query_params.get("lang"), request.headers.get("accept-language", "")))


def answer(body: bytes, status: int = 200) -> Response:
    """Serve a page that runs nothing, is framed by nobody and tells nobody where its reader came from."""
    return Response(body, status_code=status, media_type="text/html", headers=_HEADERS)


def frame(page: Page, title: str, kept: str = "") -> tuple[Element, Element]:
    """Begin a page: its main part, to be filled, and the whole, to be rendered.

    `kept` is what of the address's query stays when the language is changed.
    """
    html = Element("html", lang=page.language)
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "meta", name="robots", content="noindex")
    add(head, "title", f"{title} · Countersign")
    SubElement(head, "link", rel="stylesheet", href="/verify.css")
    body = SubElement(html, "body")
    header = SubElement(body, "header")
    add(header, "a", "Countersign", href="/", **{"class": "name"})
    languages = add(header, "nav", None, **{"aria-label": page.say("language")})
    for language, name in zip(LANGUAGES, ("English", "Русский"), strict=True):
        current = {"aria-current": "true"} if language == page.language else {}
        add(languages, "a", name, href=f"?lang={language}{kept}", lang=language, hreflang=language, **current)
    main = SubElement(body, "main")
    add(main, "h1", title)
    return main, html


def add(parent: Element, tag: str, content: str | None, **attributes: str) -> Element:
    """Add an element with text; what XML cannot hold is left out."""
    element = SubElement(parent, tag, {name: value.translate(_NOT_XML) for name, value in attributes.items()})
    if content is not None:
        element.text = content.translate(_NOT_XML).encode("utf-8", "replace").decode()
    return element


def render(html: Element) -> bytes:
    """Write the page."""
    text_of_page: bytes = tostring(html, encoding="utf-8", method="html")
    return b"<!doctype html>\n" + text_of_page
