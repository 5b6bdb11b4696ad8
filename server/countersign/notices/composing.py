"""What a letter says: the same in plain text and in HTML, in the reader's language, with a way out in its headers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from html import escape
from typing import Final
from uuid import UUID

from countersign.notices import texts

MOST: Final = 50
"""Notices that one letter writes out."""
SUBJECT: Final = 200


class _Links(UnstructuredHeader):
    """A header of addresses in angle brackets, as they are (RFC 2369, section 2): folded, they would be encoded."""

    name: str

    def fold(self, *, policy: EmailPolicy) -> str:
        """The one line that it is; its addresses are ours and in ASCII."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS: Final = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Links)  # type: ignore[arg-type] # it is mixed with a BaseHeader
_POLICY: Final = EmailPolicy(header_factory=_HEADERS)


@dataclass(frozen=True, slots=True)
class Line:
    """One notice: its sentence, and where more is to be seen."""

    sentence: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that a letter is made of. `confirm` is the link of a letter that asks for nothing but its opening."""

    id: UUID
    language: str
    house: str
    rhythm: str
    lines: Sequence[Line]
    origin: str
    unsubscribe: str
    confirm: str | None = None


def compose(letter: Letter, sender: str, recipient: str, at: datetime) -> EmailMessage:
    """The message; its `Message-ID` is the letter's own, so that one that is sent twice is known for the same.

    `List-Unsubscribe` works with one click and without signing in (RFC 8058). Raises ValueError for an address that is
    none.
    """
    message = EmailMessage(_POLICY)
    message["From"] = sender
    try:
        message["To"] = Address(addr_spec=recipient)
    except (MessageError, IndexError) as fault:
        # What the parser stumbles over is no address either, and must not end whoever sends the letters of others.
        raise ValueError("this is no addr_spec") from fault
    message["Subject"] = _subject(letter)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{letter.id}@{letter.origin.partition('://')[2].partition(':')[0]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    parts = _confirming(letter) if letter.confirm else _telling(letter)
    message.set_content("\n\n".join(text for text, _ in parts) + "\n")
    body = "\n".join(markup for _, markup in parts)
    message.add_alternative(
        f'<!doctype html><html lang="{letter.language}"><head><meta charset="utf-8">'
        f"<title>{escape(_subject(letter))}</title></head><body>\n{body}\n</body></html>\n",
        subtype="html",
    )
    # After the parts: whatever begins with Content- moves into the first of them.
    message["Content-Language"] = letter.language
    return message


def _subject(letter: Letter) -> str:
    count = len(letter.lines)
    if letter.confirm:
        said = texts.words(letter.language, "confirm_subject")
    elif letter.rhythm != "now":
        said = texts.words(letter.language, f"{letter.rhythm}_subject", count=count)
    elif count == 1:
        said = texts.words(letter.language, "one_subject", sentence=letter.lines[0].sentence)
    else:
        said = texts.words(letter.language, "many_subject", count=count)
    # A header is one line, whatever a title holds.
    line = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    return line if len(line) <= SUBJECT else line[: SUBJECT - 1] + "…"


def _confirming(letter: Letter) -> list[tuple[str, str]]:
    words = texts.LETTERS[letter.language]
    return [
        _paragraph(words["confirm_lead"].format(house=letter.house)),
        _link(words["confirm_button"], letter.confirm or ""),
        _paragraph(words["confirm_otherwise"]),
        _link(words["unsubscribe"], letter.unsubscribe),
    ]


def _telling(letter: Letter) -> list[tuple[str, str]]:
    words = texts.LETTERS[letter.language]
    parts = [_paragraph(words["lead"].format(house=letter.house))]
    for line in letter.lines[:MOST]:
        more = f' <a href="{escape(line.link)}">{escape(words["more"])}</a>' if line.link else ""
        plain = f"• {line.sentence}" + (f"\n  {line.link}" if line.link else "")
        parts.append((plain, f"<p>• {escape(line.sentence)}{more}</p>"))
    if len(letter.lines) > MOST:
        parts.append(_paragraph(texts.words(letter.language, "and_more", count=len(letter.lines) - MOST)))
    return [
        *parts,
        _link(words["inbox"], f"{letter.origin}/"),
        _paragraph(words["why"]),
        _link(words["unsubscribe"], letter.unsubscribe),
    ]


def _paragraph(text: str) -> tuple[str, str]:
    return text, f"<p>{escape(text)}</p>"


def _link(text: str, address: str) -> tuple[str, str]:
    return f"{text}: {address}", f'<p><a href="{escape(address)}">{escape(text)}</a></p>'
