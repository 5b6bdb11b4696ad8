"""Markdown at the front desk: beside what somebody wrote stands the same as HTML that may be put into a page."""

from typing import Any, Final

from countersign.kit import markdown
from countersign.kit.view import View
from countersign.reads.args import Call
from countersign.reads.bind import slot

RENDERING_COST: Final = 20
"""Points: rendering a long text takes some milliseconds, as much as twenty objects."""


def as_html(view: View, name: str, what: str) -> Any:
    """A field with the HTML of the view's Markdown column `name`, annotated `HTML` (or `HTML | None`).

    `what` names the text in the description. It is rendered when it is read, so that a better sanitizer is at once
    one for everything that was ever written.
    """
    return slot(
        payload=f"convert_to({view.column(name)}, 'UTF8')",
        maker=_html,
        cost=RENDERING_COST,
        description=f"{what} as HTML that may stand in a page: nothing in it loads or runs anything.",
    )


def _html(payload: bytes, _call: Call) -> str:
    return markdown.html(payload.decode())
