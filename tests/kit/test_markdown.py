"""What an author may do to a page, and what not."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.kit.markdown import ATTRIBUTES, SCHEMES, TAGS, html, visible


class Elements(HTMLParser):
    """Every element and attribute of a text, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember one."""
        self.found.append((tag, dict(attrs)))


def is_harmless(text: str) -> bool:
    """Whether there is nothing in it but what is allowed by name."""
    for tag, attributes in Elements(text).found:
        allowed = ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set())
        if tag not in TAGS or set(attributes) - allowed:
            return False
        if tag == "a" and attributes.get("rel") != "nofollow noopener":
            return False
        target = attributes.get("href")
        if target is not None and target.partition(":")[0].lower() not in SCHEMES:
            return False
    return True


def test_what_markdown_is_for_works() -> None:
    source = '# Kafka\n\n*Lag* is **measured** in `ms`:\n\n1. one\n2. two\n\n> said [here](https://example.com/a "why")'
    assert html(source) == (
        "<h1>Kafka</h1>\n<p><em>Lag</em> is <strong>measured</strong> in <code>ms</code>:</p>\n<ol>\n<li>one</li>\n"
        '<li>two</li>\n</ol>\n<blockquote>\n<p>said <a href="https://example.com/a" title="why"'
        ' rel="nofollow noopener">here</a></p>\n</blockquote>\n'
    )


ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](http://plain.example/)",
    "[x](//other.example/)",
    "[x](/demo/school)",
    "![x](https://tracker.example/pixel.gif)",
    '<https://a.example/"onmouseover=alert(1)>',
    "<style>*{display:none}</style>",
    "<form action=https://a.example><input></form>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    '<math><mi//xlink:href="data:x,<script>alert(4)</script>">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "`<script>`<script>alert(1)</script>",
    "<!-- --><script>alert(1)</script><!-- -->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "[a]: javascript:alert(1)\n\n[a]",
    '[x](https://a.example/ "" onclick=alert(1))',
    "<base href=https://a.example/>",
    "<meta http-equiv=refresh content=0;url=https://a.example>",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_becomes_text(attack: str) -> None:
    assert is_harmless(html(attack)), html(attack)


def test_html_of_the_author_is_shown_as_it_was_written() -> None:
    assert html("<b>bold</b>") == "<p>&lt;b&gt;bold&lt;/b&gt;</p>\n"


def test_a_picture_is_not_loaded() -> None:
    assert "<img" not in html("![a dog](https://tracker.example/1.png)")


def test_what_hides_or_turns_text_is_named() -> None:
    assert visible("pay \u202e001\u202c now\u200b") == "pay [U+202E]001[U+202C] now[U+200B]"
    assert "[U+202E]" in html("a \u202e b")
    assert visible("می\u200cخواهم") == "می\u200cخواهم"  # a joiner that the word needs


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="<>/\"'`=()[]!*_#&;: \n\tabjsx:-\\\x00\u202e", max_size=80))
def test_nothing_harmful_comes_out_of_anything(source: str) -> None:
    assert is_harmless(html(source)), html(source)
