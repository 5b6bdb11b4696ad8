"""A small mutation and a guarded field beside the real schema: the machinery without any room's rules."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import strawberry

from countersign.kit.access import ANONYMOUS, Actor, Permission
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Invalid, NotFound
from countersign.kit.ids import Sealer, parse_public_id
from countersign.kit.sight import EVERYONE
from countersign.kit.view import View
from countersign.reads.args import Args, Predicates
from countersign.reads.bind import arg, bound, column, connection, entity, many, one
from countersign.reads.bindings import Source
from countersign.schema.base import CommandInput, Connection, Lock, Tools, command, payload
from countersign.schema.contents import MUTATIONS, QUERIES, make_schema
from countersign.schema.engine import Engine, Request
from countersign.schema.organizations import ORGANIZATION_ORDERS, Organization, OrganizationKind
from countersign.trust.signer import Signer


@strawberry.input(description="What to rename.")
class RenameInput(CommandInput):
    """What to rename."""

    organization_id: strawberry.ID = strawberry.field(description="Which organization.")
    name: str = strawberry.field(description="Its new name.")


@payload(description="The renamed organization.")
class RenamePayload:
    """The renamed organization."""

    organization: Organization | None = entity(description="The renamed organization.")


async def rename(tx: Tx, _actor: Actor, given: RenameInput, _tools: Tools) -> Mapping[str, str]:
    if not given.name:
        raise Invalid(problem="A name has at least one letter", path=("name",))
    found = parse_public_id(given.organization_id)
    key: UUID | None = found[1] if found is not None and found[0] == "org" else None
    if not await tx.execute("update organizations set display_name = $2 where id = $1", key, given.name):
        raise NotFound(what="organization", path=("organizationId",))
    return {"organization": str(given.organization_id)}


@strawberry.type
class ToyMutations:
    """Root fields."""

    rename: RenamePayload | None = command(
        RenameInput,
        rename,
        permission=Permission.CREATE_SPEC,
        lock=Lock.STATE,
        because="a toy's",
        description="Rename an organization.",
    )


NAMED = View("match", "organizations {t}", seen=(EVERYONE,), key="{t}.rank")
SHARE = View("share", "(select kind, n from {counts}) {t}", seen=(EVERYONE,), key="{t}.kind")


@bound(SHARE, description="How many are of a kind.", key_type="text")
class Share:
    """How many are of a kind."""

    kind: OrganizationKind = column(description="The kind.")
    n: int = column(description="How many.")


@bound(NAMED, description="A match.", key_type="bigint[]")
class Match:
    """A match."""

    handle: str = column(description="Its handle.")
    rank: list[int] = column(description="Its place.")
    organization: Organization | None = one(on="{child}.id = {parent}.id", description="The match itself.")


@strawberry.type(description="Matches.")
class MatchConnection(Connection[Match]):
    """Matches."""

    shares: list[Share] = many(order="{child}.kind", description="How many of each kind.")
    longest: int = column(
        sql="(select coalesce(max(length(handle)), 0) from {matched})", description="The longest handle."
    )


def matches(args: Args, _sql: Predicates) -> list[tuple[str, str]]:
    kind = args.param("kind", "text") if "kind" in args else "null::text"
    return [
        (
            "matched",
            f"""select array[length(o.handle), o.n]::bigint[] as rank, o.id, o.handle, o.kind, o.n
                from (select id, handle, kind, row_number() over (order by handle) as n from organizations
                      where {kind} is null or kind = {kind}) o""",
        ),
        ("counts", "select kind, count(*)::int as n from {matched} group by kind"),
    ]


revealed: list[list[list[int]]] = []


async def reveal(_tx: Tx, _actor: Actor, shown: Sequence[Any]) -> bool:
    revealed.append(list(shown))
    return len(revealed) != 1


@strawberry.type
class ToyQueries:
    """Root fields."""

    guarded: Connection[Organization] = connection(
        orders=ORGANIZATION_ORDERS, requires=Permission.SEARCH_CANDIDATES, description="Only for recruiters."
    )
    matches: MatchConnection = connection(
        args={"kind": arg(OrganizationKind | None, "Only of this kind.")},
        source=Source(
            matches,
            "{matched} {t}",
            count="select count(*) / 2 * 2 from {matched}",
            reveals="array[{t}.n, length({t}.handle)]::bigint[]",
            reveal=reveal,
        ),
        description="Matches with shares.",
    )


def make_toy_schema() -> strawberry.Schema:
    """The real schema and the toys, for who changes it."""
    return make_schema((*QUERIES, ToyQueries), (*MUTATIONS, ToyMutations))


toy_schema = cache(make_toy_schema)


def toy_engine(db: Database, signer: Signer) -> Engine:
    """An engine over the real schema and the toys."""
    return Engine(toy_schema(), Tools(db, Sealer(b"s" * 32), signer))


async def ask(engine: Engine, query: str, actor: Actor = ANONYMOUS, /, **variables: Any) -> dict[str, Any]:
    """The answer to a query, as a client reads it."""
    answer = await engine.answer(Request(query, variables), actor, "test")
    body: dict[str, Any] = json.loads(answer.render())
    return body


async def ask_data(engine: Engine, query: str, actor: Actor = ANONYMOUS, /, **variables: Any) -> Any:
    """The data of an answer that must have no errors."""
    body = await ask(engine, query, actor, **variables)
    assert "errors" not in body, body
    return body["data"]


async def ask_code(engine: Engine, query: str, actor: Actor = ANONYMOUS, /, **variables: Any) -> str:
    """The code of the first error of an answer that must have one."""
    body = await ask(engine, query, actor, **variables)
    assert body.get("data") is None, body
    code: str = body["errors"][0]["extensions"]["code"]
    return code
