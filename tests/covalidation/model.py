"""Co-validation in plain Python, by the words of the domain: what the portal's answers are compared with.

It shares nothing with the product: no table of moves, no SQL. Time is a number of hours since the story began. A
command that may not be raises `Refused` with the code that the API must answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

DAY: Final = 24
LEASE: Final = 7 * DAY
WINDOW: Final = 60
"""Days for which a pledge is open."""
GRACE: Final = 14
"""Days after the due date in which an answer is still taken."""
YEAR: Final = 365 * DAY
NEEDED: Final = 2
WAITING: Final = ("open", "claimed")
ENDORSABLE: Final = ("submitted", "in_review", "published")
PUBLIC: Final = ("published", "deprecated", "retired")

# Who is there: an organization, and what there is to know about it.
SCHOOL: Final = "school"
RIVAL: Final = "rival"
GROUPS: Final = {"north": "north", "south": "south", "twin": "south", "kin": "school", "raw": "raw", "school": "school"}
"""The control group of each organization: the twin belongs to the south's, and the kin to the school's."""
VERIFIED: Final = frozenset({"north", "south", "twin", "kin"})
MEMBERS: Final = {
    "school.author": frozenset({"author"}),
    "school.registrar": frozenset({"registrar"}),
    "rival.author": frozenset({"author"}),
    "rival.registrar": frozenset({"registrar"}),
    "north.reviewer": frozenset({"reviewer"}),
    "north.second": frozenset({"reviewer"}),
    "north.signatory": frozenset({"signatory"}),
    "south.reviewer": frozenset({"reviewer"}),
    "south.signatory": frozenset({"signatory"}),
    "twin.signatory": frozenset({"signatory"}),
    "kin.signatory": frozenset({"signatory"}),
    "raw.reviewer": frozenset({"reviewer"}),
    "raw.signatory": frozenset({"signatory"}),
}


class Refused(Exception):
    """A command that may not be; the code that says so."""


@dataclass
class Version:
    """A frozen version, and who was asked to look at it."""

    name: str
    state: str = "submitted"
    published: int = 0
    readers: set[str] = field(default_factory=set)


@dataclass
class Request:
    """A question to one organization; `due` is the day by which it wants an answer, in days since the beginning."""

    version: str
    organization: str
    due: int
    state: str = "open"
    claimed_by: str | None = None
    claimed_until: int = 0
    recommendation: str | None = None
    returns: int = 0


@dataclass
class Endorsement:
    """One organization's signed word; in force from `start` (in) until `end` (out), in hours."""

    version: str
    organization: str
    start: int
    end: int
    state: str = "in_force"
    supersedes: str | None = None
    paused: list[list[int | None]] = field(default_factory=list)


@dataclass
class Pledge:
    """Seats that an endorsement promises until a day; each reserved seat waits, or is filled, or given back."""

    endorsement: str
    seats: int
    closes: int
    withdrawn: bool = False
    reserved: dict[str, str] = field(default_factory=dict)


def house_of(person: str) -> str:
    """The organization of a person."""
    return person.partition(".")[0]


def need(person: str, role: str, *, school: bool = False) -> str:
    """The organization for which a person acts, if the role is theirs."""
    if role not in MEMBERS[person] or (house_of(person) in {SCHOOL, RIVAL}) is not school:
        raise Refused("NOT_ALLOWED")
    return house_of(person)


class Model:
    """What stands between a school, its rival, four industry organizations and a kin of the school."""

    def __init__(self, noon: int) -> None:
        self.now = noon
        self.versions: dict[str, Version] = {}
        self.requests: dict[str, Request] = {}
        self.endorsements: dict[str, Endorsement] = {}
        self.pledges: dict[str, Pledge] = {}

    # The school

    def submit(self, name: str) -> None:
        """A new version; those before it stay as they are, and nothing is carried over."""
        self.versions[name] = Version(name)

    def turn(self, person: str, version: str, act: str) -> None:
        """Publish, deprecate, retire or withdraw: the school alone."""
        if need(person, "author", school=True) != SCHOOL:
            raise Refused("NOT_FOUND" if self.versions[version].state not in PUBLIC else "NOT_ALLOWED")
        moves = {
            "publish": (("submitted", "in_review"), "published"),
            "deprecate": (("published",), "deprecated"),
            "retire": (("deprecated",), "retired"),
            "withdraw": (("submitted", "in_review"), "withdrawn"),
        }
        before, after = moves[act]
        if self.versions[version].state not in before:
            raise Refused("INVALID_STATE")
        self.versions[version].state = after
        if after == "published":
            self.versions[version].published = self.now

    def ask(self, person: str, version: str, organization: str, days: int, key: str) -> None:
        """Ask one organization for a review within some days."""
        own = need(person, "author", school=True)
        if not 0 < days <= YEAR // DAY:
            raise Refused("INVALID")
        if own != SCHOOL:
            raise Refused("NOT_FOUND")
        if self.versions[version].state not in ENDORSABLE:
            raise Refused("INVALID_STATE")
        self._independent(organization)
        for other in self._between(version, organization):
            if self.state_of(other) in WAITING:
                raise Refused("CONFLICT")
            if other.state in WAITING:
                other.state = "expired"
        self.requests[key] = Request(version, organization, self.now // DAY + days)
        found = self.versions[version]
        found.readers.add(organization)
        if found.state == "submitted":
            found.state = "in_review"

    def cancel(self, person: str, key: str) -> None:
        """Take a question back before it is answered."""
        own = need(person, "author", school=True)
        if own != SCHOOL:
            raise Refused("NOT_FOUND")
        if self.state_of(self.requests[key]) not in WAITING:
            raise Refused("INVALID_STATE")
        self.requests[key].state = "cancelled"

    def extend(self, person: str, key: str, days: int) -> None:
        """Give a question some days from now."""
        own = need(person, "author", school=True)
        request = self.requests[key]
        if own != SCHOOL:
            raise Refused("NOT_FOUND")
        if self.state_of(request) not in WAITING:
            raise Refused("INVALID_STATE")
        due = self.now // DAY + days
        if due <= request.due or not 0 < days <= YEAR // DAY:
            raise Refused("INVALID")
        request.due = due

    # Who is asked

    def claim(self, person: str, key: str) -> None:
        """Claim a question for a week, or one's own claim for another."""
        request = self._asked(person, key)
        if self.state_of(request) not in WAITING:
            raise Refused("INVALID_STATE")
        self._not_leased(request, person)
        request.state, request.claimed_by, request.claimed_until = "claimed", person, self.now + LEASE

    def give_back(self, person: str, key: str) -> None:
        """Let a colleague take what one has claimed."""
        request = self._asked(person, key)
        if self.state_of(request) != "claimed" or not self._holds(request, person):
            raise Refused("INVALID_STATE")
        self._returned(request)

    def decline(self, person: str, key: str) -> None:
        """Say no, with a reason."""
        request = self._asked(person, key)
        if self.state_of(request) not in WAITING:
            raise Refused("INVALID_STATE")
        self._not_leased(request, person)
        request.state = "declined"

    def decide(self, person: str, key: str, recommendation: str) -> None:
        """Answer a question that one has claimed."""
        request = self._asked(person, key)
        if self.state_of(request) != "claimed" or not self._holds(request, person):
            raise Refused("INVALID_STATE")
        request.state, request.recommendation = "decided", recommendation

    # The endorser

    def endorse(
        self,
        person: str,
        version: str,
        hours: int,
        key: str,
        *,
        seen: bool,
        seats: int = 0,
        again: str | None = None,
        knows: str | None = None,
    ) -> None:
        """Sign for a version whose digest one has seen; a second word renews the first, or says one `again`.

        Who `knows` a later version says so; who does not, and was not told, is told and refused. What stands behind a
        word is looked at last: who may not speak of a version is told so first.
        """
        own = need(person, "signatory")
        found = self.versions[version]
        if found.state not in PUBLIC and own not in found.readers:
            raise Refused("NOT_FOUND")
        if found.state not in ENDORSABLE:
            raise Refused("INVALID_STATE")
        if not seen:
            raise Refused("STALE_VERSION")
        if own not in VERIFIED:
            raise Refused("NOT_ALLOWED")
        self._independent(own)
        if self.news(version, own) not in {None, knows}:
            raise Refused("STALE_VERSION")
        promised = self.pledges.get(f"p{again}")
        if promised is not None and promised.closes < self.now // DAY:
            raise Refused("INVALID")
        before = next((k for k, e in self._of(version, own) if self.standing(e) in {"in_force", "suspended"}), None)
        if before is not None:
            renewed = self.endorsements[before]
            renewed.state, renewed.end = "superseded", self.now
        self.endorsements[key] = Endorsement(version, own, self.now, self.now + hours, supersedes=before or again)
        if seats:
            self.pledges[f"p{key}"] = Pledge(key, seats, self.now // DAY + WINDOW)

    def news(self, version: str, own: str) -> str | None:
        """The newest later version on offer, unless the endorser was told: by a word that stood then or since."""
        names = list(self.versions)
        offered = [n for n in names[names.index(version) + 1 :] if self.versions[n].state == "published"]
        if not offered:
            return None
        since = self.versions[offered[-1]].published
        known = names[: names.index(offered[-1]) + 1]
        told = any(
            word.organization == own
            and word.version in known
            and (word.start >= since or (word.end > since and not any(_in(p, since) for p in word.paused)))
            for word in self.endorsements.values()
        )
        return None if told else offered[-1]

    def renew(self, person: str, key: str, hours: int, new: str, *, knows: str | None = None) -> None:
        """Say again what one said, for longer."""
        word = self._own_word(person, key, {"in_force", "suspended", "expired"})
        self.endorse(person, word.version, hours, new, seen=True, again=key, knows=knows)
        promised = self.pledges.get(f"p{key}")
        if promised is not None:
            self.pledges[f"p{new}"] = Pledge(new, promised.seats, promised.closes)

    def suspend(self, person: str, key: str) -> None:
        """Pause one's word."""
        word = self._own_word(person, key, {"in_force"})
        word.state = "suspended"
        word.paused.append([self.now, None])

    def resume(self, person: str, key: str) -> None:
        """End the pause."""
        word = self._own_word(person, key, {"suspended"})
        word.state = "in_force"
        word.paused[-1][1] = self.now

    def revoke(self, person: str, key: str) -> None:
        """End one's word for good."""
        word = self._own_word(person, key, {"in_force", "suspended"})
        word.state, word.end = "revoked", self.now

    # What was promised

    def promise(self, pledge: Pledge) -> str:
        """Where a pledge stands today."""
        word = self.endorsements[pledge.endorsement]
        if pledge.withdrawn or word.state in {"revoked", "superseded"}:
            return "withdrawn"
        if self.now // DAY > pledge.closes:
            return "lapsed"
        if word.state == "suspended":
            return "offered"
        return "exhausted" if self.taken(pledge) >= pledge.seats else "open"

    @staticmethod
    def taken(pledge: Pledge) -> int:
        """The seats that are reserved or filled."""
        return sum(state != "released" for state in pledge.reserved.values())

    def reserve(self, person: str, key: str, seat: str) -> None:
        """The school keeps a seat for a graduate."""
        own = need(person, "registrar", school=True)
        pledge = self.pledges[key]
        if own != SCHOOL and self.versions[self.endorsements[pledge.endorsement].version].state not in PUBLIC:
            raise Refused("NOT_FOUND")
        if self.promise(pledge) != "open":
            raise Refused("INVALID_STATE")
        if own != SCHOOL:
            raise Refused("NOT_ALLOWED")
        pledge.reserved[seat] = "reserved"

    def settle(self, person: str, key: str, seat: str, how: str) -> None:
        """A seat is filled (by the endorser), or given back (by either side)."""
        school = house_of(person) in {SCHOOL, RIVAL}
        own = need(person, "registrar" if school else "signatory", school=school)
        pledge = self.pledges[key]
        if how == "redeemed" and school:
            raise Refused("NOT_ALLOWED")
        if own not in {SCHOOL, self.endorsements[pledge.endorsement].organization}:
            raise Refused("NOT_FOUND")
        if pledge.reserved[seat] != "reserved":
            raise Refused("INVALID_STATE")
        pledge.reserved[seat] = how

    # Time

    def look(self) -> None:
        """What the portal does by itself now and then: claims that ran out come back, questions nobody answered end."""
        for request in self.requests.values():
            if request.state == "claimed" and request.claimed_until <= self.now:
                self._returned(request)
            request.state = self.state_of(request)

    # What there is to see

    def state_of(self, request: Request) -> str:
        """Where a question stands now."""
        over = request.state in WAITING and request.due + GRACE < self.now // DAY
        return "expired" if over else request.state

    def standing(self, word: Endorsement) -> str:
        """Where a signed word stands now."""
        return "expired" if word.state in {"in_force", "suspended"} and word.end <= self.now else word.state

    def co_validated(self, version: str, at: int) -> bool:
        """Whether two control groups that are not the school's stood behind a version at an hour."""
        groups = {
            GROUPS[word.organization]
            for word in self.endorsements.values()
            if word.version == version and word.start <= at < word.end and not any(_in(p, at) for p in word.paused)
        }
        return len(groups - {GROUPS[SCHOOL]}) >= NEEDED

    def turns(self, version: str) -> list[tuple[int, bool]]:
        """At which hours a version became co-validated and was so no more, up to now."""
        words = [word for word in self.endorsements.values() if word.version == version]
        spans: list[list[int | None]] = [span for word in words for span in word.paused]
        spans += [[word.start, word.end] for word in words]
        edges = {edge for span in spans for edge in span}
        found: list[tuple[int, bool]] = []
        for at in sorted(edge for edge in edges if edge is not None and edge <= self.now):
            if self.co_validated(version, at) is not (found[-1][1] if found else False):
                found.append((at, not found or not found[-1][1]))
        return found

    def seen(self, version: str, instants: Iterable[int]) -> dict[str, Any]:
        """What the school must read of a version: all of it, under the names of this story."""
        words = {k: e for k, e in self.endorsements.items() if e.version == version}
        live = [e for e in words.values() if self.standing(e) == "in_force"]
        return {
            "state": self.versions[version].state,
            "co_validated": self.co_validated(version, self.now),
            "then": {at: self.co_validated(version, at) for at in instants},
            "turns": self.turns(version),
            "live": len(live),
            "words": {k: (self.standing(e), e.supersedes, e in live) for k, e in words.items()},
            "pledges": {
                k: (self.promise(p), self.taken(p), sum(state == "redeemed" for state in p.reserved.values()))
                for k, p in self.pledges.items()
                if p.endorsement in words
            },
            "requests": {
                k: (self.state_of(r), r.recommendation, r.returns)
                for k, r in self.requests.items()
                if r.version == version
            },
        }

    @staticmethod
    def _returned(request: Request) -> None:
        request.state, request.claimed_by, request.returns = "open", None, request.returns + 1

    def _asked(self, person: str, key: str) -> Request:
        own = need(person, "reviewer")
        request = self.requests[key]
        if request.organization != own:
            raise Refused("NOT_FOUND")
        return request

    def _own_word(self, person: str, key: str, states: set[str]) -> Endorsement:
        own = need(person, "signatory")
        word = self.endorsements[key]
        if self.standing(word) not in states:
            raise Refused("INVALID_STATE")
        if word.organization != own:
            raise Refused("NOT_ALLOWED")
        return word

    def _holds(self, request: Request, person: str) -> bool:
        return request.claimed_by == person and self.now < request.claimed_until

    def _not_leased(self, request: Request, person: str) -> None:
        if request.state == "claimed" and request.claimed_by != person and self.now < request.claimed_until:
            raise Refused("CONFLICT")

    def _between(self, version: str, organization: str) -> list[Request]:
        return [r for r in self.requests.values() if (r.version, r.organization) == (version, organization)]

    def _of(self, version: str, organization: str) -> list[tuple[str, Endorsement]]:
        return [(k, e) for k, e in self.endorsements.items() if (e.version, e.organization) == (version, organization)]

    @staticmethod
    def _independent(organization: str) -> None:
        if GROUPS[organization] == GROUPS[SCHOOL]:
            raise Refused("CONFLICT_OF_INTEREST")


def _in(span: list[int | None], at: int) -> bool:
    start, end = span
    return start is not None and start <= at and (end is None or at < end)
