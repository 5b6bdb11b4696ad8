"""What the demo signed holds: for its own verifier, and for two that we did not write."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests import node as javascript
from tests.patience import WAIT
from tests.public import outside
from tests.serving import Demo

AWARDS = "{ viewer { learner { awards(first: 5) { nodes { url } } } } }"
ENDORSEMENTS = """
{ endorsements(first: 5, filter: {live: true}) { nodes { url digest specVersion { url } } } }
"""


def fetch(url: str) -> str:
    answer = httpx.get(url, timeout=WAIT)
    assert answer.status_code == 200, url
    return answer.text


def documents(credential: dict[str, Any]) -> dict[str, str]:
    """What an outside verifier looks up for a credential, over HTTP."""
    did = credential["issuer"]["id"]
    status = credential["credentialStatus"]["statusListCredential"]
    return {did: fetch(f"{credential['issuer']['url']}/did.json"), status: fetch(status)}


def award(demo: Demo) -> str:
    """A signed award of the learner whom the demo signs in."""
    return fetch(demo.ask(AWARDS, role="learner")["viewer"]["learner"]["awards"]["nodes"][0]["url"])


def endorsement(demo: Demo) -> str:
    """A signed endorsement in force."""
    return fetch(demo.ask(ENDORSEMENTS)["endorsements"]["nodes"][0]["url"])


@pytest.mark.node
@pytest.mark.parametrize("made", [award, endorsement])
async def test_outside_verifiers_accept_what_the_demo_signed(demo: Demo, made: Any) -> None:
    javascript.install(outside.SOURCES)
    credential = json.loads(made(demo))
    answers = await outside.ask(credential, documents(credential))
    assert answers.reasons == ""
    assert answers.accepted == [True, True]
    assert answers.revoked is False


@pytest.mark.parametrize("made", [award, endorsement])
def test_the_demo_s_own_verifier_finds_it_valid(demo: Demo, made: Any) -> None:
    report = httpx.post(
        f"{demo.url}verify", content=made(demo), headers={"content-type": "application/json"}, timeout=WAIT
    ).json()
    assert report["verdict"] == "VALID", report


def test_the_version_an_endorsement_names_is_served_with_the_digest_that_was_signed(demo: Demo) -> None:
    named = demo.ask(ENDORSEMENTS)["endorsements"]["nodes"]
    assert named
    for node in named:
        signed = json.loads(fetch(node["url"]))
        assert signed["credentialSubject"]["id"] == node["specVersion"]["url"]
        report = httpx.post(
            f"{demo.url}verify",
            content=json.dumps(signed),
            headers={"content-type": "application/json"},
            timeout=WAIT,
        ).json()
        digests = [f for f in report["credentials"][0]["findings"] if f["check"] == "digest"]
        assert [f["outcome"] for f in digests] == ["passed", "passed"]
