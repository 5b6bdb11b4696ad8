"""What a browser reads when a sign-in does not work: one short page, in English or Russian, without scripts."""

from __future__ import annotations

from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_SHUT: Final = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS: Final = {
    "content-security-policy": _SHUT,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_TEXTS: Final = {
    "failed": (
        ("The sign-in did not work", "Войти не получилось"),
        (
            "It took too long, was begun in another browser, or your identity provider did not agree. Begin again.",
            "Прошло слишком много времени, вход начат в другом браузере или провайдер не согласился. Начните заново.",
        ),
    ),
    "away": (
        ("The identity provider does not answer", "Провайдер входа не отвечает"),
        ("Try again in a minute.", "Попробуйте ещё раз через минуту."),
    ),
    "often": (
        ("Too many attempts", "Слишком много попыток"),
        ("Wait ten minutes, then begin again.", "Подождите десять минут и начните заново."),
    ),
    "absent": (
        ("There is nothing here", "Здесь ничего нет"),
        ("The link has been used, is too old, or never was.", "Ссылка уже использована, устарела или её не было."),
    ),
}
_BACK: Final = ("To the first page", "На главную")


def page(request: Request, name: str, status: int) -> Response:
    """One of the pages, in the browser's language."""
    russian = request.headers.get("accept-language", "").lower().startswith("ru")
    title, sentence = (escape(pair[russian]) for pair in _TEXTS[name])
    language = "ru" if russian else "en"
    return Response(
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title} · Countersign</title><link rel="stylesheet" href="/page/page.css"></head>'
        f'<body><main><h1>{title}</h1><p>{sentence}</p><p><a href="/">{_BACK[russian]}</a></p></main></body></html>\n',
        status,
        HEADERS,
        "text/html",
    )
