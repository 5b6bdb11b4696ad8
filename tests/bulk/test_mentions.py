"""An address is found in a file however the file writes it."""

import json

import pytest

from countersign.bulk.mentions import addressed

ADDRESS = "aña/b@example.com"


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
