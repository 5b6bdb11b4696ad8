"""Markdown as HTML that may stand in a page: no HTML of the author's, nothing that loads, runs or turns text around.

Sources: CommonMark 0.31; OWASP, Cross Site Scripting Prevention (HTML sanitization); Unicode, UAX 9.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt

TAGS: Final = frozenset(
    {"p", "em", "strong", "a", "ul", "ol", "li", "blockquote", "code", "pre", "hr", "br"}
    | {f"h{level}" for level in range(1, 7)}
)
ATTRIBUTES: Final = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES: Final = frozenset({"https", "mailto"})
REMEMBERED: Final = 1_000
"""Texts whose HTML is kept by a process; each text has a limit of its own where it is written."""

# What changes the order of what stands around it (UAX 9), and what is not seen at all. Joiners stay: scripts need them.
_HIDDEN: Final = re.compile("[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")


@lru_cache(maxsize=REMEMBERED)
def html(source: str) -> str:
    """CommonMark as HTML of a few harmless elements.

    HTML in the source is shown as text, pictures become links, links go to https and mailto alone, in full, and carry
    `rel="nofollow noopener"`; characters that hide or turn text around are shown by their names, as `[U+202E]`.
    """
    # Its states belong to a rendering, but nothing promises that of the parser itself.
    parser = MarkdownIt("commonmark", {"html": False}).disable("image")
    return nh3.clean(
        parser.render(visible(source)),
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes=set(SCHEMES),
        url_relative="deny",
        link_rel="nofollow noopener",
    )


def visible(text: str) -> str:
    """The text with every character that hides or turns text around replaced by its code point, as `[U+202E]`."""
    return _HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
