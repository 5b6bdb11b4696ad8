"""The data of others that we carry: unchanged, credited, and nothing share-alike among it."""

import hashlib
import re
from importlib.resources import files
from pathlib import Path

DATA = Path(str(files("countersign") / "data"))
NOTICE = (DATA / "NOTICE.md").read_text(encoding="utf-8")


def test_every_data_file_has_its_digest_in_the_notice() -> None:
    stated = dict(re.findall(r"^\| `([^`]+\.(?:csv|jsonl))` \| `([0-9a-f]{64})` \|$", NOTICE, flags=re.MULTILINE))
    carried = {
        path.relative_to(DATA).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in DATA.glob("*/*")
        if path.suffix in {".csv", ".jsonl"}
    }
    assert carried == stated


def test_the_acknowledgements_that_the_licences_ask_for_are_at_the_top_too() -> None:
    top = (DATA.parents[2] / "NOTICE").read_text(encoding="utf-8")
    for credit in (
        "This service uses the ESCO classification of the European Commission",
        "O*NET 29.2 Database by the U.S. Department of Labor",
        "Copyright 2021 Open Skills Network",
        "Copyright (c) 2020 Data for the American Dream",
        "Copyright (c) 2023 Mike Zhang",
    ):
        assert credit in " ".join(NOTICE.split())
        assert credit in " ".join(top.split())


def test_nothing_share_alike_is_in_the_package() -> None:
    assert "BY-SA" not in NOTICE
    assert not list(DATA.rglob("*freecodecamp*"))
