"""The verification page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from countersign.public import texts
from countersign.public.markup import Page, add, frame, render
from countersign.public.verification import Judgement
from countersign.trust.canonical_proof import date_time
from countersign.trust.verify_findings import Finding, Judged
from countersign.trust.verify_reading import as_list

_LONGEST = 2_000  # characters of one text of a credential that are shown


def verify_form(page: Page, problem: str | None = None) -> bytes:
    """The page where a credential is pasted."""
    body, html = frame(page, page.say("title"))
    add(body, "p", page.say("lead"))
    if problem is not None:
        add(body, "p", problem, role="alert", **{"class": "verdict bad"})
    _form(page, body)
    return render(html)


def judgement_page(page: Page, credential: str, judgement: Judgement, raw_path: str | None) -> bytes:
    """The page that shows what a credential says and what was found."""
    report = judgement.report
    body, html = frame(page, page.say("title"))
    verdict = add(body, "p", None, **{"class": f"verdict {'good' if report.verdict == 'VALID' else 'bad'}"})
    add(verdict, "strong", report.verdict.value)
    add(verdict, "span", " " + page.say(report.verdict.value))
    _facts(page, body, credential)
    add(body, "p", f"{page.say('checked_at')}: {date_time(judgement.at)}")
    if raw_path is not None:
        add(add(body, "p", None), "a", page.say("raw"), href=raw_path)
    outer, *embedded = report.credentials
    add(body, "h2", page.say("checks"))
    _findings(page, body, outer)
    for judged in embedded:
        add(body, "h2", f"{page.say('inside')}: {judged.type or ''}")
        inner = add(body, "p", None, **{"class": f"verdict {'good' if judged.verdict == 'VALID' else 'bad'}"})
        add(inner, "strong", judged.verdict.value)
        add(inner, "span", " " + page.say(judged.verdict.value))
        add(body, "p", f"{page.say('place')}: {judged.path}", **{"class": "path"})
        _findings(page, body, judged)
    add(add(body, "p", None), "a", page.say("another"), href=f"/verify?lang={page.language}")
    return render(html)


def absent_page(page: Page) -> bytes:
    """The page for what is missing and for what is not for everybody: the same."""
    return _words_page(page, "absent")


def erased_page(page: Page) -> bytes:
    """The page of an award whose learner was erased."""
    return _words_page(page, "erased")


def _words_page(page: Page, what: str) -> bytes:
    body, html = frame(page, page.say(f"{what}_title"))
    add(body, "p", page.say(what))
    add(add(body, "p", None), "a", page.say("another"), href=f"/verify?lang={page.language}")
    return render(html)


def _form(page: Page, body: Element) -> None:
    form = add(body, "form", None, method="post", action=f"/verify?lang={page.language}")
    add(form, "label", page.say("paste"), **{"for": "credential"})
    add(form, "textarea", "", id="credential", name="credential", rows="16", required="required", spellcheck="false")
    add(form, "button", page.say("check"), type="submit")


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
    listed = add(body, "dl", None)
    for name, value in facts:
        if isinstance(value, str) and value:
            pair = add(listed, "div", None)
            add(pair, "dt", page.say(name))
            add(pair, "dd", value[:_LONGEST])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _findings(page: Page, body: Element, judged: Judged) -> None:
    listed = add(body, "ul", None, **{"class": "findings"})
    for finding in judged.findings:
        item = add(listed, "li", None, **{"class": finding.outcome.value})
        add(item, "strong", _check_name(page, finding))
        add(item, "span", f" {page.say(finding.outcome.value)}. ")
        add(item, "span", finding.detail[:_LONGEST], lang="en")


def _check_name(page: Page, finding: Finding) -> str:
    name = "issuer_standing" if finding.check == "issuer" else finding.check
    return page.say(name) if name in texts.TEXTS else name
