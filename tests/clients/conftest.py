"""What the programs of others need: their packages, installed once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import node

JS = Path(__file__).parent / "js"


@pytest.fixture(scope="session")
def js() -> Path:
    """The folder of the JavaScript clients, with its packages installed."""
    return node.install(JS)
