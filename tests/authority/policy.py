"""Who sees what, said a second time: in Python, over rows as the owner reads them, without the product's SQL.

The types of the catalogue and of the first rooms are listed by hand. A type that is not listed is judged by what its
view declares, when that is a comparison with a column of its row; any other must be listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from graphql import GraphQLObjectType, GraphQLSchema

from countersign import app
from countersign.kit.access import POLICY, Actor, OrganizationKind, Permission, Role, Scope
from countersign.kit.ids import Sealer
from countersign.kit.placement import table_name
from countersign.kit.sight import Sight, Tie
from countersign.reads.args import Parameters, Predicates
from countersign.reads.bindings import Bound, bound_of
from countersign.reads.identity import Public, Sealed

Row = Mapping[str, Any]
EVERY: Final = "select to_jsonb(t) as x from {name} t order by to_jsonb(t) ->> 'id'"
"""The rows of a table in the order of their making: where they lie on the disk differs from run to run."""
SHOWN_TO_ALL: Final = frozenset({"published", "deprecated", "retired"})


@dataclass(frozen=True, repr=False)
class Thing:
    """A row of a bound type: what it holds, and what its public id is made of."""

    type_name: str
    key: str
    row: Row
    payload: bytes | None

    def id(self, bound: Bound, actor: Actor, sealer: Sealer) -> str:
        """Its id as the actor would write it if they were given it."""
        match bound.identity:
            case Public():
                return f"{bound.view.tag}_{self.key}"
            case Sealed() as sealed:
                return sealed.seal(sealer, actor, bound.view.tag, self.payload or b"")


@dataclass(frozen=True, repr=False)
class Book:
    """Everything that is in the database, and the things that the API knows of it."""

    tables: Mapping[str, list[Row]]
    things: Mapping[str, list[Thing]]
    bounds: Mapping[str, Bound]

    def one(self, table: str, key: str) -> Row:
        """The row of a table by its id."""
        return next(row for row in self.tables[table] if str(row["id"]) == key)

    def sees(self, actor: Actor, thing: Thing) -> bool:
        """Whether the actor may see it."""
        listed = LISTED.get(thing.type_name)
        if listed is not None:
            return listed(actor, thing.row, self)
        return any(tied(actor, sight, thing.row) for sight in self.bounds[thing.type_name].view.seen)


async def read_book(owner: asyncpg.Connection[asyncpg.Record], schema: GraphQLSchema) -> Book:
    """Read everything as the database's owner."""
    tables = {}
    for table in app.declare_tables():
        name = table_name(table)
        tables[name] = [json.loads(row["x"]) for row in await owner.fetch(EVERY.format(name=name))]
    things: dict[str, list[Thing]] = {}
    bounds = {}
    for type_ in schema.type_map.values():
        bound = bound_of(type_)
        if isinstance(type_, GraphQLObjectType) and bound is not None and stands_alone(bound):
            bounds[type_.name] = bound
            things[type_.name] = await _things(owner, type_.name, bound)
    return Book(tables, things, bounds)


def table_of(source: str) -> str:
    """The table that a view reads, where it is one: as it stands, or some columns of it."""
    inner = re.search(r" from (\w+)\) \{t\}$", source)
    return inner[1] if inner else source.split(maxsplit=1)[0]


def stands_alone(bound: Bound) -> bool:
    """Whether the rows of a type can be read without a row of another one, and without a field's arguments."""
    source = bound.view.source
    given = set(re.findall(r"\{([a-z_]+)[:}]", source)) - {"t", "now", "at", "actor_organization"}
    return bool(source) and not given and all(s.tie is not Tie.PARENT for s in bound.view.seen)


async def _things(owner: asyncpg.Connection[asyncpg.Record], name: str, bound: Bound) -> list[Thing]:
    parameters = Parameters()
    builder = Predicates(parameters, {"t": "t", "child": "t"})
    payload = bound.identity.payload() if isinstance(bound.identity, Sealed) else "null::bytea"
    text = (
        f"select to_jsonb(t) as row, ({builder.render(bound.view.key)})::text as key, {builder.render(payload)} as"
        f" payload from {builder.render(bound.view.source)} order by 2"
    )
    rows = await owner.fetch(text, *(None for _ in parameters.getters))
    return [Thing(name, row["key"], json.loads(row["row"]), row["payload"]) for row in rows]


def tied(actor: Actor, sight: Sight, row: Row) -> bool:
    """Whether a declared tie holds between the actor and a row. Raises AssertionError for one that must be listed."""
    if sight.tie is Tie.EVERYONE:
        return True
    if sight.tie is Tie.CALLER:
        return False
    assert sight.tie is not Tie.OTHER, f"{sight.who!r}: list its type in tests/authority/policy.py"
    assert sight.column is not None
    value = row[sight.column]
    if sight.tie is Tie.LEARNER:
        return value is not None and value == actor.learner_id
    acts = value is not None and str(actor.organization_id) == str(value)
    return acts and (sight.permission is None or may(actor, sight.permission))


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the policy's line lets the actor, read by a second reader."""
    rule = POLICY[permission]
    if actor.request_id is not None or rule.system_only:
        return actor.request_id is not None and rule.expert
    if actor.token_id is None and actor.login_id is None:
        return False
    unscoped = rule.scopes and not any(scope in actor.scopes for scope in rule.scopes)
    if unscoped or (rule.fresh and not rule.scopes and actor.login_id is None):
        return False
    if rule.account or rule.own:
        return actor.login_id is not None if rule.account else bool(actor.organization_id or actor.learner_id)
    if rule.learner:
        return actor.learner_id is not None
    return actor.organization_kind in rule.kinds and any(role in rule.roles for role in actor.roles)


def _acts_for(actor: Actor, organization: object) -> bool:
    return actor.organization_id is not None and str(actor.organization_id) == str(organization)


def _version(actor: Actor, row: Row, book: Book) -> bool:
    asked = any(
        r["spec_version_id"] == row["id"] and _acts_for(actor, r["organization_id"])
        for r in book.tables["spec_version_readers"]
    )
    return row["state"] in SHOWN_TO_ALL or _acts_for(actor, row["organization_id"]) or asked


def _check(actor: Actor, row: Row, book: Book) -> bool:
    return _version(actor, book.one("spec_versions", row["version_id"]), book)


def _diff(actor: Actor, row: Row, book: Book) -> bool:
    return all(_version(actor, book.one("spec_versions", row[end]), book) for end in ("from_id", "to_id"))


def _spec(actor: Actor, row: Row, book: Book) -> bool:
    versions = [v for v in book.tables["spec_versions"] if v["spec_id"] == row["id"]]
    return _acts_for(actor, row["organization_id"]) or any(_version(actor, v, book) for v in versions)


def _endorsement(actor: Actor, row: Row, book: Book) -> bool:
    version = book.one("spec_versions", row["spec_version_id"])
    return _acts_for(actor, row["organization_id"]) or (row["in_force"] is not None and _version(actor, version, book))


def _foreign(actor: Actor, row: Row, book: Book) -> bool:
    version = book.one("spec_versions", row["spec_version_id"])
    return _acts_for(actor, row["organization_id"]) or (row["withdrawn_at"] is None and _version(actor, version, book))


def _invited(actor: Actor, request: object) -> bool:
    """Whether the actor is the outside expert of a review request."""
    return actor.request_id is not None and str(actor.request_id) == str(request)


def _pledge(actor: Actor, row: Row, book: Book) -> bool:
    endorsement = book.one("endorsements", row["endorsement_id"])
    version = book.one("spec_versions", endorsement["spec_version_id"])
    return _acts_for(actor, row["organization_id"]) or (
        endorsement["in_force"] is not None and _version(actor, version, book)
    )


def _alarm(actor: Actor, row: Row, book: Book) -> bool:
    version = book.one("spec_versions", row["spec_version_id"])
    return _acts_for(actor, row["organization_id"]) or _version(actor, version, book)


def _request(actor: Actor, row: Row, _book: Book) -> bool:
    asked = _acts_for(actor, row["school_id"]) or _acts_for(actor, row["organization_id"])
    return asked or _invited(actor, row["id"])


def _call(actor: Actor, row: Row, book: Book) -> bool:
    def meant(offer: Row) -> bool:
        named = ("skill_ids", "sectors")
        return all(not row[name] or bool(set(row[name]) & set(offer[name])) for name in named)

    offered = any(_acts_for(actor, o["organization_id"]) and meant(o) for o in book.tables["review_offers"])
    took = any(
        q["call_id"] == row["id"] and _acts_for(actor, q["organization_id"]) for q in book.tables["review_requests"]
    )
    return _acts_for(actor, row["school_id"]) or offered or took


def _expert(actor: Actor, row: Row, _book: Book) -> bool:
    return _acts_for(actor, row["organization_id"]) or _invited(actor, row["request_id"])


def _review(actor: Actor, row: Row, book: Book) -> bool:
    asked = book.one("review_requests", row["request_id"])
    renewed = [q for q in book.tables["review_requests"] if q["previous_review_id"] == row["id"]]
    return (
        _acts_for(actor, row["organization_id"])
        or _request(actor, asked, book)
        or any(_invited(actor, q["id"]) for q in renewed)
    )


def _draft_of_review(actor: Actor, row: Row, _book: Book) -> bool:
    own = _invited(actor, row["request_id"]) and str(actor.person_id) == str(row["reviewer_id"])
    return own or (_acts_for(actor, row["organization_id"]) and may(actor, Permission.REVIEW))


def _said(actor: Actor, row: Row, _book: Book) -> bool:
    sides = _acts_for(actor, row["school_id"]) or _acts_for(actor, row["organization_id"])
    return sides or _invited(actor, row["request_id"])


def _award(actor: Actor, row: Row, _book: Book) -> bool:
    registers = (
        Role.REGISTRAR in actor.roles
        and Scope.AWARD_WRITE in actor.scopes
        and actor.organization_kind is OrganizationKind.SCHOOL
    )
    return _of_learner(actor, row, _book) or (registers and _acts_for(actor, row["organization_id"]))


def _of_organization(actor: Actor, row: Row, _book: Book) -> bool:
    return _acts_for(actor, row["organization_id"])


def _of_learner(actor: Actor, row: Row, _book: Book) -> bool:
    return actor.learner_id is not None and actor.learner_id == row["learner_id"]


def _membership(actor: Actor, row: Row, _book: Book) -> bool:
    own = actor.account_id is not None and str(actor.account_id) == str(row["person_id"])
    return own or _acts_for(actor, row["organization_id"])


def _token(actor: Actor, row: Row, _book: Book) -> bool:
    supervises = bool({Role.ORG_ADMIN, Role.AUDITOR} & actor.roles) and Scope.TOKEN_WRITE in actor.scopes
    own = actor.person_id is not None and str(actor.person_id) == str(row["person_id"])
    return _acts_for(actor, row["organization_id"]) and (own or supervises)


def _reader(actor: Actor, row: Row, _book: Book) -> bool:
    own = row["learner_id"] is not None and row["learner_id"] == actor.learner_id
    person = actor.person_id is not None and str(actor.person_id) == str(row["person_id"])
    return row["shown"] and (own or (person and _acts_for(actor, row["organization_id"])))


def _public(_actor: Actor, _row: Row, _book: Book) -> bool:
    return True


LISTED: Final[Mapping[str, Callable[[Actor, Row, Book], bool]]] = {
    **dict.fromkeys(("Organization", "Skill", "SkillFramework", "SkillLabel", "Listing", "Stack"), _public),
    **dict.fromkeys(("ReviewCriterion", "RubricVersion", "ConsentText"), _public),
    **dict.fromkeys(("Learner", "Consent", "Sighting"), _of_learner),
    **dict.fromkeys(("SpecDraft", "Upload", "BulkOperation"), _of_organization),
    "SpecVersion": _version,
    "SpecVersionDiff": _diff,
    "ConflictCheck": _check,
    "CredentialSpec": _spec,
    "Endorsement": _endorsement,
    "ForeignEndorsement": _foreign,
    "Pledge": _pledge,
    "DriftAlarm": _alarm,
    "ReviewRequest": _request,
    "StatementSuggestion": _request,
    "Review": _review,
    "ReviewDraft": _draft_of_review,
    **dict.fromkeys(("ReviewComment", "ReviewReply", "ReviewSuggestion"), _said),
    "ReviewExpert": _expert,
    "ReviewCall": _call,
    "Award": _award,
    "Membership": _membership,
    "ApiToken": _token,
    "Notice": _reader,
    "Mailbox": lambda actor, row, _: (
        _acts_for(actor, row["organization_id"]) and str(actor.person_id) == str(row["person_id"])
    ),
}
