"""The golden samples and their throw-away keys."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from countersign.trust.addresses import Addresses

_FOLDER = Path(__file__).parent / "golden"
ADDRESSES = Addresses("https://countersign.example")


def sample_bytes(name: str) -> bytes:
    """A sample as it is written."""
    return (_FOLDER / f"{name}.json").read_bytes()


def sample(name: str) -> dict[str, Any]:
    """A sample, fresh at every call, for a test to change."""
    document: dict[str, Any] = json.loads(sample_bytes(name))
    return document


def key(text: str) -> Ed25519PrivateKey:
    """The throw-away key of a text such as `orbita ed25519 2026`."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(text.encode()).digest())


def public(text: str) -> bytes:
    """The raw public half."""
    return key(text).public_key().public_bytes_raw()


def without_proof(document: dict[str, Any]) -> dict[str, Any]:
    """A copy without its proof."""
    bare = copy.deepcopy(document)
    bare.pop("proof", None)
    return bare
