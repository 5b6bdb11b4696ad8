"""An address is found in a file however the file writes it."""

import json

import pytest

from countersign.bulk import rules
from countersign.bulk.mentions import addressed, effort

ADDRESS = "aña/{b}@example.com"


@pytest.mark.parametrize(
    "data",
    [
        json.dumps({"email": ADDRESS}).encode(),
        json.dumps({"email": ADDRESS}, ensure_ascii=False).encode(),
        json.dumps({"email": ADDRESS}).replace("/", "\\/").replace("@", "\\u0040").encode(),
        f'email,name\n{ADDRESS},A\n"b@example.com",B\n'.encode(),
        f"\ufeffemail;name\r\n A;<{ADDRESS}>\r\n".encode(),
        ADDRESS.encode(),
    ],
)
def test_an_address_is_found_however_it_is_written(data: bytes) -> None:
    assert ADDRESS in (addressed(data) or ())


def test_a_file_that_nobody_can_read_is_none() -> None:
    assert addressed(ADDRESS.encode("utf-16")) is None
    assert addressed(b"nothing, \\ nobody \\ud800") == set()


def test_a_file_of_addresses_alone_is_more_than_an_erasure_looks_through() -> None:
    ordinary = b"".join(b"learner%d@school.example,A Name\n" % number for number in range(50_000))
    assert effort(ordinary) < rules.LOOKED_FOR
    for each in (b"a@b\n", b"\\u0040", b"\\/" * 6):
        assert effort(each * 110_000) > rules.LOOKED_FOR
    assert max(map(len, addressed(b"x" * 10_000 + b"@" + b"y" * 10_000) or ())) < 1_000
