"""What the page tells a newcomer to try, tried."""

import secrets
from typing import Any

from tests.serving import Demo

STACK = 'query { stack(by: { handle: "product-analyst" }) { id } }'
FIND = """
query($stack: ID!) {
  searchCandidates(first: 100, stack: $stack) {
    nodes { id region match { score recent } awards { earnedOn specVersion { digest } } }
  }
}
"""
CONSENT = """
mutation($input: SetConsentInput!) {
  setConsent(input: $input) { learner { consents { stands } } errors { __typename } }
}
"""
WAITING = """
query {
  reviewRequests(first: 9, filter: { state: OPEN }) { nodes { specVersion { id digest state } } }
}
"""
ENDORSE = """
mutation($input: EndorseSpecInput!) {
  endorseSpec(input: $input) { endorsement { id } errors { ... on UserError { code } } }
}
"""
GIVEN = "query($v: ID!) { endorsements(first: 9, filter: { specVersionId: $v }) { totalCount } }"


def found(demo: Demo) -> dict[str, Any]:
    """Every candidate of the first stack, by pseudonym."""
    stack = demo.ask(STACK)["stack"]["id"]
    nodes = demo.ask(FIND, {"stack": stack}, "recruiter")["searchCandidates"]["nodes"]
    return {node["id"]: node for node in nodes}


def allow(demo: Demo, *, granted: bool) -> bool:
    """The demo's learner allows to be found, or takes it back; whether a consent stands then."""
    given = {"purpose": "TALENT_SEARCH", "granted": granted, "idempotencyKey": secrets.token_hex(8)}
    answer = demo.ask(CONSENT, {"input": given}, "learner")["setConsent"]
    assert answer["errors"] == []
    return any(consent["stands"] for consent in answer["learner"]["consents"])


def test_a_learner_who_withdraws_is_gone_from_the_next_answer_and_may_come_back(demo: Demo) -> None:
    before = found(demo)
    assert not allow(demo, granted=False)
    try:
        without = found(demo)
    finally:
        assert allow(demo, granted=True)
    gone = before.keys() - without.keys()
    assert len(gone) == 1
    assert without == {key: node for key, node in before.items() if key not in gone}
    assert found(demo) == before


def test_a_stale_digest_is_refused_and_nothing_changes(demo: Demo) -> None:
    nodes = demo.ask(WAITING, role="reviewer")["reviewRequests"]["nodes"]
    version = nodes[0]["specVersion"]
    before = demo.ask(GIVEN, {"v": version["id"]}, "reviewer")
    last = version["digest"][-1]
    stale = version["digest"][:-1] + ("0" if last != "0" else "1")
    given = {
        "specVersionId": version["id"],
        "expectedDigest": stale,
        "statement": "We read another version.",
        "evidence": [],
        "idempotencyKey": secrets.token_hex(8),
    }
    answer = demo.ask(ENDORSE, {"input": given}, "reviewer")["endorseSpec"]
    assert (answer["endorsement"], answer["errors"]) == (None, [{"code": "STALE_VERSION"}])
    assert demo.ask(GIVEN, {"v": version["id"]}, "reviewer") == before


def test_the_school_reads_what_a_reviewer_wants_changed(demo: Demo) -> None:
    query = "query { reviewRequests(first: 20) { nodes { review { recommendation comment } } } }"
    nodes = demo.ask(query, role="school")["reviewRequests"]["nodes"]
    wanted = [
        node["review"]["comment"]
        for node in nodes
        if node["review"] and node["review"]["recommendation"] == "REQUEST_CHANGES"
    ]
    assert wanted
    assert all(wanted)


def test_courses_of_real_schools_are_listed_and_nobody_endorses_them(demo: Demo) -> None:
    query = "query { listings(first: 1) { totalCount nodes { notice provider title gaps } } }"
    listings = demo.ask(query)["listings"]
    assert listings["totalCount"] == 892
    assert "not" in listings["nodes"][0]["notice"].lower()
    named = demo.ask("query { organizations(first: 100) { nodes { displayName fictional } } }")["organizations"][
        "nodes"
    ]
    assert all(organization["fictional"] for organization in named)
    assert listings["nodes"][0]["provider"] not in {organization["displayName"] for organization in named}
