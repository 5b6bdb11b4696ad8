"""Versions as people write them: what is read, what is not, and how two of them stand to one another."""

from __future__ import annotations

import pytest
from packaging.version import Version

from countersign.endorsements.ranges import Agreement, agreement, find, key_of, read


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("3.13", ["3.13", "3.13.5"], ["3.12.9", "3.14"]),
        ("V7", ["7", "7.1"], ["6.1", "8"]),
        ("version 7", ["7.0"], ["6"]),
        ("4.x", ["4.0", "4.4.1"], ["3.9", "5.0"]),
        ("4.*", ["4.2"], ["5"]),
        (">=4.0,<5", ["4.0", "4.9"], ["3.9", "5.0"]),
        ("≥ 15", ["15", "18.1"], ["14.9"]),
        ("15+", ["15", "18.1"], ["14.9"]),
        ("15 or later", ["15", "18.1"], ["14.9"]),
        ("3.12–3.13", ["3.12", "3.13.9"], ["3.11.9", "3.14"]),
        ("3.12 to 3.13", ["3.12", "3.13.9"], ["3.11.9", "3.14"]),
        ("16 or 17", ["16.3", "17"], ["15", "18"]),
        ("16, 17", ["16.3", "17"], ["15", "18"]),
        ("16 || 17", ["16.3", "17"], ["15", "18"]),
        ("3.7 (with ZooKeeper)", ["3.7.2"], ["3.8"]),
        ("^4.1", ["4.1", "4.9"], ["4.0", "5.0"]),
        ("~4.1", ["4.1.7"], ["4.2"]),
        ("~=4.1", ["4.1", "4.9"], ["5.0"]),
        ("> 3", ["4.0"], ["3.9"]),
        ("<= 3.1", ["3.1.9", "2"], ["3.2"]),
        ("!= 3.1", ["3.2"], ["3.1.4"]),
        ("３．１３", ["3.13.1"], ["3.14"]),
    ],
)
def test_what_people_write_is_read_as_a_range(text: str, inside: list[str], outside: list[str]) -> None:
    found = read(text)
    assert found is not None
    assert [v for v in inside if not any(Version(v) in one for one in found.sets)] == []
    assert [v for v in outside if any(Version(v) in one for one in found.sets)] == []


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "web, September 2026",
            "June 2026",
            "latest",
            "3.x.2",
            ">=5,<4",
            "3.13, latest",
            "v",
            "\x00",
            "\u202e3",
        ),
        *("9999999999.1", "1.2.3.4.5.6.7.8", "3" * 201, "3.13\n; drop table", "=== 3.1.2.dev", "1e9"),
    ],
)
def test_what_cannot_be_compared_is_unreadable_and_never_guessed(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("confirmed", "taught", "found"),
    [
        (">=3.12,<3.14", "3.13", Agreement.CONFIRMED),
        ("3.13", "3.13", Agreement.CONFIRMED),
        ("16 or 17", "17", Agreement.CONFIRMED),
        ("3.13", ">=3.12", Agreement.PARTLY),
        ("17", "16 or 17", Agreement.PARTLY),
        ("V7", "6.1", Agreement.DIFFERENT),
        (">=4.0,<5", "3.7 (with ZooKeeper)", Agreement.DIFFERENT),
        ("", "3.13", Agreement.UNSTATED),
        ("3.13", None, Agreement.UNSTATED),
        ("3.13", " ", Agreement.UNSTATED),
        ("2025", "June 2026", Agreement.UNREADABLE),
        ("nightly", "3.13", Agreement.UNREADABLE),
    ],
)
def test_how_what_is_in_use_stands_to_what_is_taught(confirmed: str, taught: str | None, found: Agreement) -> None:
    assert agreement(confirmed, taught) is found


def test_a_tool_is_found_however_its_name_is_spelt() -> None:
    assert key_of("Node.js") == key_of("NODEJS") == key_of("node js") == "nodejs"
    assert key_of("C++") != key_of("C#") != key_of("C")
    toolchain = [{"name": "Node.js", "version": "24"}, {"name": "PostgreSQL", "version": "17"}]
    assert find("NodeJS", toolchain, {}) is toolchain[0]
    assert find("Postgres", toolchain, {}) is None
    assert find("Postgres", toolchain, {"postgres": "postgresql"}) is toolchain[1]
