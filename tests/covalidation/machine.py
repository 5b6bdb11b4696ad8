"""The whole flow of co-validation, step by step, in the portal and in the model; every answer is compared."""

from __future__ import annotations

from itertools import count
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.covalidation.house import NOON, SCORES, House
from tests.covalidation.model import DAY, GROUPS, MEMBERS, WINDOW, Model, Refused, house_of

_stories = count(1)
SCHOOLS: Final = st.sampled_from(("school.author", "school.author", "school.author", "rival.author"))
REVIEWERS: Final = st.sampled_from([p for p, roles in MEMBERS.items() if "reviewer" in roles])
SIGNATORIES: Final = st.sampled_from([p for p, roles in MEMBERS.items() if "signatory" in roles])
ANYBODY: Final = st.sampled_from(sorted(MEMBERS))
ASKED: Final = st.sampled_from(("north", "north", "south", "raw", "kin"))
WHOLE: Final = """
query ($v: ID!) { node(id: $v) { ... on SpecVersion { state coValidated liveEndorsementCount
  coValidationHistory { at coValidated }
  endorsements(first: 100) { nodes { id state live supersedes { id }
    evidence { ... on HiringPledge { pledge { id state reserved returned broken redeemed } } } } }
  reviewRequests(first: 100) { nodes { id state returns review { recommendation } } } } } }
"""


class CoValidation(RuleBasedStateMachine):
    """One block of the school, its versions, who was asked about them, and who stands behind them."""

    house: ClassVar[House]
    versions = Bundle("versions")
    requests = Bundle("requests")
    words = Bundle("words")
    seats = Bundle("seats")

    def __init__(self) -> None:
        super().__init__()
        self.slug = f"story-{next(_stories)}"
        self.model = Model(NOON)
        self.ids: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.instants: list[int] = []
        self.house.set(NOON)

    def told(self, change: str, allowed: list[str], refused: list[str]) -> None:
        """Both must say the same of a change."""
        assert refused == allowed, f"{change}: the portal says {refused}, the model {allowed}"

    def both(self, change: str, person: str, selection: str, act: Any, /, **given: Any) -> dict[str, Any] | None:
        """Make a change in the model and in the portal; the payload where both did it."""
        expected: list[str] = []
        try:
            act()
        except Refused as refusal:
            expected = [str(refusal)]
        payload, codes = self.house.do(person, change, selection, **given)
        self.told(f"{change} by {person}", expected, codes)
        return payload

    @initialize(target=versions)
    def the_first_version(self) -> str:
        """The school submits its block."""
        return self._submit(None)

    @precondition(lambda self: len(self.digests) < 3)
    @rule(target=versions, base=versions)
    def another_version(self, base: str) -> str:
        """The school submits a version after one of those."""
        return self._submit(base)

    def _submit(self, base: str | None) -> str:
        name = f"v{len(self.digests) + 1}"
        made = self.house.submit(self.slug, f"{len(self.digests) + 1}.0.0", base and self.ids[base])
        self.model.submit(name)
        self.ids[name], self.digests[name] = made["id"], made["digest"]
        return name

    @rule(
        version=versions, person=SCHOOLS, act=st.sampled_from(("publish", "publish", "deprecate", "retire", "withdraw"))
    )
    def the_school_moves_it(self, version: str, person: str, act: str) -> None:
        """An author moves a version on, or of the rival tries to."""
        change = f"{act}Spec"
        self.both(
            change,
            person,
            "version { state }",
            lambda: self.model.turn(person, version, act),
            versionId=self.ids[version],
        )

    @rule(target=requests, version=versions, person=SCHOOLS, organization=ASKED, days=st.sampled_from((3, 10, 30, 0)))
    def a_review_is_asked_for(self, version: str, person: str, organization: str, days: int) -> str:
        """An author asks an organization for a review."""
        key = f"r{len(self.ids)}"
        payload = self.both(
            "requestReview",
            person,
            "reviewRequest { id }",
            lambda: self.model.ask(person, version, organization, days, key),
            specVersionId=self.ids[version],
            organizationId=self.house.organizations[organization],
            dueOn=self.house.at(self.model.now + days * DAY).date().isoformat(),
        )
        return self._kept(key, payload["reviewRequest"]["id"] if payload else None)

    @precondition(lambda self: self.model.requests)
    @rule(request=requests, person=REVIEWERS)
    def it_is_claimed(self, request: str, person: str) -> None:
        """A reviewer claims a question."""
        self._answered("claimReview", request, person, lambda: self.model.claim(person, request))

    @precondition(lambda self: self.model.requests)
    @rule(request=requests, person=REVIEWERS)
    def it_is_given_back(self, request: str, person: str) -> None:
        """A reviewer lets a colleague take it."""
        self._answered("giveBackReview", request, person, lambda: self.model.give_back(person, request))

    @precondition(lambda self: self.model.requests)
    @rule(request=requests, person=SCHOOLS, days=st.sampled_from((0, 5, 40)))
    def it_is_extended(self, request: str, person: str, days: int) -> None:
        """The school waits longer."""
        due = self.house.at(self.model.now + days * DAY).date().isoformat()
        self._of_the_school(
            "extendReviewRequest", request, person, lambda: self.model.extend(person, request, days), dueOn=due
        )

    @precondition(lambda self: self.model.requests)
    @rule(request=requests, person=REVIEWERS)
    def it_is_declined(self, request: str, person: str) -> None:
        """A reviewer says no."""
        self._answered(
            "declineReview", request, person, lambda: self.model.decline(person, request), reason="Not our field"
        )

    @precondition(lambda self: self.model.requests)
    @rule(request=requests, person=REVIEWERS, word=st.sampled_from(("ENDORSE", "REQUEST_CHANGES", "DECLINE")))
    def it_is_decided(self, request: str, person: str, word: str) -> None:
        """A reviewer answers."""
        if request not in self.ids:
            return
        self.both(
            "decideReview",
            person,
            "review { recommendation }",
            lambda: self.model.decide(person, request, word),
            reviewRequestId=self.ids[request],
            interest="NONE",
            scores=SCORES,
            comment="Matches how we work.",
            recommendation=word,
        )

    @precondition(lambda self: self.model.requests)
    @rule(request=requests, person=SCHOOLS)
    def it_is_taken_back(self, request: str, person: str) -> None:
        """The school takes a question back."""
        self._of_the_school("cancelReviewRequest", request, person, lambda: self.model.cancel(person, request))

    def _of_the_school(self, change: str, request: str, person: str, act: Any, /, **given: Any) -> None:
        if request in self.ids:
            text = "query ($r: ID!) { reviewRequest(id: $r) { updatedAt } }"
            seen = self.house.read("school.author", text, r=self.ids[request])["reviewRequest"]["updatedAt"]
            self._answered(change, request, person, act, ifUnmodifiedSince=seen, **given)

    def _answered(self, change: str, request: str, person: str, act: Any, /, **given: Any) -> None:
        if request in self.ids:
            self.both(change, person, "reviewRequest { state }", act, reviewRequestId=self.ids[request], **given)

    @rule(
        target=words,
        version=versions,
        person=SIGNATORIES,
        days=st.sampled_from((20, 300, 700)),
        seen=st.sampled_from((True, True, True, False)),
        seats=st.sampled_from((0, 1, 2)),
        knows=st.sampled_from((True, True, False)),
    )
    def it_is_endorsed(self, version: str, person: str, days: int, seen: bool, seats: int, knows: bool = True) -> str:
        """A signatory signs for a version, having seen its digest or not, and that it is not the newest or not."""
        key = f"e{len(self.ids)}"
        later = self.model.news(version, house_of(person)) if knows else None
        payload = self.both(
            "endorseSpec",
            person,
            "endorsement { id }",
            lambda: self.model.endorse(person, version, days * DAY, key, seen=seen, seats=seats, knows=later),
            specVersionId=self.ids[version],
            expectedDigest=self.digests[version] if seen else "0" * 64,
            statement="We hire for this.",
            evidence=[self._pledge(seats)] if seats else [],
            validUntil=self.house.at(self.model.now + days * DAY).isoformat(),
            **self._known(later),
        )
        self.house.settle()
        return self._kept(key, payload["endorsement"]["id"] if payload else None)

    def _known(self, later: str | None) -> dict[str, str]:
        return {"knownLaterVersionId": self.ids[later]} if later else {}

    def _pledge(self, seats: int) -> dict[str, Any]:
        days = (self.model.now, self.model.now + WINDOW * DAY)
        opens, closes = (self.house.at(hour).date().isoformat() for hour in days)
        return {
            "hiringPledge": {"seats": seats, "role": "analyst", "region": "DE", "opensOn": opens, "closesOn": closes}
        }

    @precondition(lambda self: self.model.pledges)
    @rule(
        target=seats,
        data=st.data(),
        person=st.sampled_from(("school.registrar", "school.registrar", "rival.registrar", "north.signatory")),
    )
    def a_seat_is_reserved(self, data: st.DataObject, person: str) -> tuple[str, str]:
        """A registrar keeps a seat for a graduate."""
        pledge = data.draw(st.sampled_from(sorted(self.model.pledges)))
        seat = f"s{len(self.ids)}"
        payload = self.both(
            "reserveSeat",
            person,
            "reservation { id }",
            lambda: self.model.reserve(person, pledge, seat),
            pledgeId=self.ids[pledge],
            reference=seat,
        )
        return pledge, self._kept(seat, payload["reservation"]["id"] if payload else None)

    @precondition(lambda self: any(pledge.reserved for pledge in self.model.pledges.values()))
    @rule(
        seat=seats,
        person=st.sampled_from(("school.registrar", "rival.registrar", "north.signatory", "south.signatory")),
        how=st.sampled_from(("redeemed", "released")),
    )
    def a_seat_is_settled(self, seat: tuple[str, str], person: str, how: str) -> None:
        """It is filled, or given back."""
        pledge, key = seat
        if key in self.ids:
            given = {"reason": "It came to nothing."} if how == "released" else {}
            self.both(
                "redeemSeat" if how == "redeemed" else "releaseSeat",
                person,
                "pledge { id }",
                lambda: self.model.settle(person, pledge, key, how),
                reservationId=self.ids[key],
                **given,
            )

    @precondition(lambda self: self.model.endorsements)
    @rule(target=words, word=words, person=SIGNATORIES, days=st.sampled_from((20, 300)))
    def it_is_renewed(self, word: str, person: str, days: int) -> str:
        """A signatory says again what somebody said before."""
        if word not in self.ids:
            return word
        key = f"e{len(self.ids)}"
        later = self.model.news(self.model.endorsements[word].version, house_of(person))
        payload = self.both(
            "renewEndorsement",
            person,
            "endorsement { id }",
            lambda: self.model.renew(person, word, days * DAY, key, knows=later),
            endorsementId=self.ids[word],
            expectedDigest=self.digests[self.model.endorsements[word].version],
            validUntil=self.house.at(self.model.now + days * DAY).isoformat(),
            **self._known(later),
        )
        self.house.settle()
        return self._kept(key, payload["endorsement"]["id"] if payload else None)

    @precondition(lambda self: self.model.endorsements)
    @rule(word=words, person=ANYBODY, act=st.sampled_from(("suspend", "resume", "revoke")))
    def the_endorser_moves_it(self, word: str, person: str, act: str) -> None:
        """Somebody tries to pause, resume or end a word."""
        if word in self.ids:
            given = {} if act == "resume" else {"reason": "We learned of something."}
            self.both(
                f"{act}Endorsement",
                person,
                "endorsement { state }",
                lambda: getattr(self.model, act)(person, word),
                endorsementId=self.ids[word],
                **given,
            )

    @precondition(lambda self: self.model.endorsements)
    @rule(word=words, act=st.sampled_from(("suspend", "resume", "revoke")))
    def its_own_signatory_moves_it(self, word: str, act: str) -> None:
        """Who may pauses, resumes or ends a word."""
        if word in self.ids:
            person = f"{self.model.endorsements[word].organization}.signatory"
            self.the_endorser_moves_it(word, person, act)

    @rule(days=st.sampled_from((1, 4, 8, 25, 310)))
    def time_passes(self, days: int) -> None:
        """Some days pass."""
        self.instants.append(self.model.now)
        self.model.now += days * DAY
        self.house.set(self.model.now)

    @rule()
    def the_portal_looks_at_its_clock(self) -> None:
        """What time does is done."""
        self.house.look()
        self.model.look()

    @invariant()
    def the_school_reads_what_the_model_says(self) -> None:
        """The whole of every version is read and compared."""
        for version in self.digests:
            self.told(version, [str(self.model.seen(version, self.instants[-3:]))], [str(self._seen(version))])

    def _seen(self, version: str) -> dict[str, Any]:
        found = self.house.read("school.author", WHOLE, v=self.ids[version])["node"]
        names = {identity: name for name, identity in self.ids.items()}
        pledges = {}
        for word in found["endorsements"]["nodes"]:
            for piece in word["evidence"]:
                pledges[f"p{names[word['id']]}"] = piece["pledge"]
        self.ids |= {name: pledge["id"] for name, pledge in pledges.items()}
        return {
            "state": found["state"].lower(),
            "co_validated": found["coValidated"],
            "then": self._then(version),
            "turns": [
                (self.house.hour(turn["at"]), turn["coValidated"]) for turn in reversed(found["coValidationHistory"])
            ],
            "live": found["liveEndorsementCount"],
            "words": _ordered(
                {
                    names[e["id"]]: (e["state"].lower(), e["supersedes"] and names[e["supersedes"]["id"]], e["live"])
                    for e in found["endorsements"]["nodes"]
                }
            ),
            "pledges": _ordered(
                {
                    name: (p["state"].lower(), p["reserved"] - p["returned"] - p["broken"], p["redeemed"])
                    for name, p in pledges.items()
                }
            ),
            "requests": _ordered(
                {
                    names[r["id"]]: (r["state"].lower(), r["review"] and r["review"]["recommendation"], r["returns"])
                    for r in found["reviewRequests"]["nodes"]
                }
            ),
        }

    def _then(self, version: str) -> dict[int, bool]:
        """Whether it was co-validated at some instants of before, in one question."""
        asked = {f"at{hour}": hour for hour in self.instants[-3:]}
        if not asked:
            return {}
        fields = " ".join(f'{name}: coValidated(asOf: "{self.house.at(h).isoformat()}")' for name, h in asked.items())
        text = f"query ($v: ID!) {{ node(id: $v) {{ ... on SpecVersion {{ {fields} }} }} }}"
        found = self.house.read("school.author", text, v=self.ids[version])["node"]
        return {hour: found[name] for name, hour in asked.items()}

    def _kept(self, key: str, identity: str | None) -> str:
        if identity is not None:
            self.ids[key] = identity
        return key


def _ordered(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in sorted(found, key=lambda key: int(key.lstrip("pers")))}


assert set(GROUPS) <= {p.partition(".")[0] for p in MEMBERS}
