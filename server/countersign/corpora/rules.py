"""What is looked for in a corpus: terms, any of some, all of some. Pure."""

from __future__ import annotations

from typing import Final

from countersign.kit.errors import Invalid, Path, Required, TooLong
from countersign.skills.rules import folded

LONGEST_QUERY: Final = 2_000
MOST_ALTERNATIVES: Final = 50


def read_query(query: str, path: Path = ("query",)) -> list[list[str]]:
    """A query as alternatives of terms that must all be there: `python + sql, r` is (python and sql) or r.

    Commas part alternatives, a plus between spaces joins, so that `C++` is one term. Terms are whole terms, compared
    without case, width and doubled spaces. Raises Required, TooLong, Invalid.
    """
    if len(query) > LONGEST_QUERY:
        raise TooLong(what="The query", limit=LONGEST_QUERY, path=path)
    alternatives = []
    for part in query.split(","):
        words = [folded(word) for word in part.split(" + ")]
        if all(words):
            alternatives.append(words)
        elif any(words):
            raise Invalid(problem="A term is missing beside a plus", path=path)
    if not alternatives:
        raise Required(what="A term to look for", path=path)
    if len(alternatives) > MOST_ALTERNATIVES:
        raise Invalid(problem=f"A query has at most {MOST_ALTERNATIVES} alternatives", path=path)
    return alternatives
