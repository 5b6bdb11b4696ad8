"""The verification page: plain HTML built as a tree, so that whatever a credential says is text and never markup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from countersign.public import texts
from countersign.public.texts import LANGUAGES, text
from countersign.public.verification import Judgement
from countersign.trust.canonical_proof import date_time
from countersign.trust.verify_findings import Finding, Judged
from countersign.trust.verify_reading import as_list

_LONGEST = 2_000  # characters of one text of a credential that are shown
_NOT_XML = {code: None for code in range(32) if code not in {9, 10, 13}} | {0xFFFE: None, 0xFFFF: None}


@dataclass(frozen=True, slots=True)
class Page:
    """What a page needs to know of its reader."""

    language: str

    def say(self, name: str, **values: str) -> str:
        """Give a text in the page's language."""
        return text(self.language, name, **values)


def verify_form(page: Page, problem: str | None = None) -> bytes:
    """The page where a credential is pasted."""
    body, html = _frame(page, page.say("title"))
    _add(body, "p", page.say("lead"))
    if problem is not None:
        _add(body, "p", problem, role="alert", **{"class": "verdict bad"})
    _form(page, body)
    return _render(html)


def judgement_page(page: Page, credential: str, judgement: Judgement, raw_path: str | None) -> bytes:
    """The page that shows what a credential says and what was found."""
    report = judgement.report
    body, html = _frame(page, page.say("title"))
    verdict = _add(body, "p", None, **{"class": f"verdict {'good' if report.verdict == 'VALID' else 'bad'}"})
    _add(verdict, "strong", report.verdict.value)
    _add(verdict, "span", " " + page.say(report.verdict.value))
    _facts(page, body, credential)
    _add(body, "p", f"{page.say('checked_at')}: {date_time(judgement.at)}")
    if raw_path is not None:
        _add(_add(body, "p", None), "a", page.say("raw"), href=raw_path)
    outer, *embedded = report.credentials
    _add(body, "h2", page.say("checks"))
    _findings(page, body, outer)
    for judged in embedded:
        _add(body, "h2", f"{page.say('inside')}: {judged.type or ''}")
        inner = _add(body, "p", None, **{"class": f"verdict {'good' if judged.verdict == 'VALID' else 'bad'}"})
        _add(inner, "strong", judged.verdict.value)
        _add(inner, "span", " " + page.say(judged.verdict.value))
        _add(body, "p", f"{page.say('place')}: {judged.path}", **{"class": "path"})
        _findings(page, body, judged)
    _add(_add(body, "p", None), "a", page.say("another"), href=f"/verify?lang={page.language}")
    return _render(html)


def absent_page(page: Page) -> bytes:
    """The page for what is missing and for what is not for everybody: the same."""
    body, html = _frame(page, page.say("absent_title"))
    _add(body, "p", page.say("absent"))
    _add(_add(body, "p", None), "a", page.say("another"), href=f"/verify?lang={page.language}")
    return _render(html)


def _frame(page: Page, title: str) -> tuple[Element, Element]:
    html = Element("html", lang=page.language)
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "meta", name="robots", content="noindex")
    _add(head, "title", f"{title} · Countersign")
    SubElement(head, "link", rel="stylesheet", href="/verify.css")
    body = SubElement(html, "body")
    header = SubElement(body, "header")
    _add(header, "a", "Countersign", href="/", **{"class": "name"})
    languages = _add(header, "nav", None, **{"aria-label": page.say("language")})
    for language, name in zip(LANGUAGES, ("English", "Русский"), strict=True):
        current = {"aria-current": "true"} if language == page.language else {}
        _add(languages, "a", name, href=f"?lang={language}", lang=language, hreflang=language, **current)
    main = SubElement(body, "main")
    _add(main, "h1", title)
    return main, html


def _form(page: Page, body: Element) -> None:
    form = _add(body, "form", None, method="post", action=f"/verify?lang={page.language}")
    _add(form, "label", page.say("paste"), **{"for": "credential"})
    _add(form, "textarea", "", id="credential", name="credential", rows="16", required="required", spellcheck="false")
    _add(form, "button", page.say("check"), type="submit")


def _facts(page: Page, body: Element, credential: str) -> None:
    """Show what the credential says of itself; whatever is not readable is left out."""
    try:
        document = json.loads(credential)
    except (ValueError, RecursionError):
        return
    if not isinstance(document, dict):
        return
    subject = _mapping(document.get("credentialSubject"))
    issuer = document.get("issuer")
    start, end = document.get("validFrom"), document.get("validUntil")
    facts = [
        ("name", document.get("name")),
        ("issuer", _mapping(issuer).get("name") or _mapping(issuer).get("id") or issuer),
        ("about", _mapping(subject.get("achievement")).get("id") or subject.get("id")),
        ("says", subject.get("endorsementComment")),
        *(
            ("evidence", " · ".join(str(part) for part in (e.get("name"), e.get("narrative")) if isinstance(part, str)))
            for e in as_list(document.get("evidence"))
            if isinstance(e, dict)
        ),
        ("awarded", document.get("awardedDate")),
        (
            "valid",
            page.say("from_until", start=str(start), end=str(end)) if end else page.say("from", start=str(start)),
        ),
    ]
    listed = _add(body, "dl", None)
    for name, value in facts:
        if isinstance(value, str) and value:
            pair = _add(listed, "div", None)
            _add(pair, "dt", page.say(name))
            _add(pair, "dd", value[:_LONGEST])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _findings(page: Page, body: Element, judged: Judged) -> None:
    listed = _add(body, "ul", None, **{"class": "findings"})
    for finding in judged.findings:
        item = _add(listed, "li", None, **{"class": finding.outcome.value})
        _add(item, "strong", _check_name(page, finding))
        _add(item, "span", f" {page.say(finding.outcome.value)}. ")
        _add(item, "span", finding.detail[:_LONGEST], lang="en")


def _check_name(page: Page, finding: Finding) -> str:
    name = "issuer_standing" if finding.check == "issuer" else finding.check
    return page.say(name) if name in texts.TEXTS else name


def _add(parent: Element, tag: str, content: str | None, **attributes: str) -> Element:
    element = SubElement(parent, tag, {name: value.translate(_NOT_XML) for name, value in attributes.items()})
    if content is not None:
        element.text = content.translate(_NOT_XML).encode("utf-8", "replace").decode()
    return element


def _render(html: Element) -> bytes:
    text_of_page: bytes = tostring(html, encoding="utf-8", method="html")
    return b"<!doctype html>\n" + text_of_page
