"""Where a table lives when the data outgrow one machine, and what each role of the database may do to it."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from sqlalchemy import inspect
from sqlmodel import SQLModel

APP_ROLE: Final = "countersign_app"
"""The services: what the tables declare, and nothing that is sealed."""
READER_ROLE: Final = "countersign_reader"
"""Compiled reads of what belongs to somebody: SELECT alone, and of owned tables the owner's rows alone."""
SEARCH_ROLE: Final = "countersign_search"
"""The candidate search: SELECT on the projection and the public catalogue, in a pool of its own."""
SIGNER_ROLE: Final = "countersign_signer"
"""The signer: alone reads the private halves of keys."""
ROLES: Final = (APP_ROLE, READER_ROLE, SEARCH_ROLE, SIGNER_ROLE)


class Placement(enum.Enum):
    """REFERENCE tables are copied to every node, BY_LEARNER ones are sharded by `learner_id`, LOCAL ones stay."""

    REFERENCE = "reference"
    BY_LEARNER = "by_learner"
    LOCAL = "local"


class Owner(enum.Enum):
    """Whose a row is, as the setting that a compiled read makes says it; unset finds nothing.

    Compared by equality only: `uuid_eq` and `int8eq` are leakproof, so an index on the column is still used. A learner
    owns the rows of every record that was merged into theirs; the array is made once for a statement.
    """

    ORGANIZATION = "= nullif(current_setting('cs.org', true), '')::uuid"
    REQUEST = "= nullif(current_setting('cs.request', true), '')::uuid"
    LEARNER = (
        "= any(array(select nullif(current_setting('cs.learner', true), '')::bigint union all"
        " select m.learner_id from learner_merges m"
        " where m.main_id = nullif(current_setting('cs.learner', true), '')::bigint))"
    )


_NONE: Mapping[str, Owner] = MappingProxyType({})


class Table(SQLModel):
    """Base of every table: it must say its placement and what may be done to it.

    `__updatable__` names the columns that the application's role may UPDATE (default: none, rows are immutable);
    `__deletable__` says whether it may DELETE rows; `__sealed__` names columns that only the signer reads (and wraps
    anew). `__searchable__` says whether the search's role may read it: the projection, what is public, and what
    decides on what is public.
    `__withheld__` says that no compiled read may touch it: what services alone look up, such as what proves who comes.
    `__owners__` names columns that say whose a row is: compiled reads find rows of one of their owners only
    (row-level security), whatever their own text forgot. `migrate` turns all of it into grants and policies.

    A table with a `learner_id` also says what is personal in it: `__personal__` names the bytea columns that the vault
    seals under the learner's key (each as `<table>.<column without _sealed>`), `__secret__` those that nobody is shown,
    not even the learner, such as digests. The learner's copy of their data is made from these (room `privacy`).
    """

    __placement__: ClassVar[Placement]
    __updatable__: ClassVar[frozenset[str]] = frozenset()
    __deletable__: ClassVar[bool] = False
    __sealed__: ClassVar[frozenset[str]] = frozenset()
    __searchable__: ClassVar[bool] = False
    __withheld__: ClassVar[bool] = False
    __owners__: ClassVar[Mapping[str, Owner]] = _NONE
    __personal__: ClassVar[frozenset[str]] = frozenset()
    __secret__: ClassVar[frozenset[str]] = frozenset()


def placed_tables() -> list[type[Table]]:
    """Every declared table class, by table name; the metadata must have been imported (see `app`)."""

    def walk(cls: type[Table]) -> list[type[Table]]:
        found = [cls] if hasattr(cls, "__table__") else []
        return found + [t for sub in cls.__subclasses__() for t in walk(sub)]

    return sorted(walk(Table), key=table_name)


def table_name(cls: type[Any]) -> str:
    """The SQL name of a table class."""
    return str(cls.__tablename__)


def open_columns(cls: type[Table]) -> list[str]:
    """The columns that are not sealed, in order."""
    return [c.key for c in inspect(cls).columns if c.key not in cls.__sealed__]


def grants() -> list[str]:
    """The statements that give each role exactly what the tables declare; safe to repeat."""
    everyone = ", ".join(ROLES)
    statements = [
        f"grant usage on schema public to {everyone}",
        f"grant usage on all sequences in schema public to {APP_ROLE}",
        f"grant select on alembic_version to {APP_ROLE}",
    ]
    for cls in placed_tables():
        statements.append(f"revoke all on {table_name(cls)} from {everyone}")
        statements += [f"grant {what} on {table_name(cls)} to {role}" for role, what in _granted(cls)]
    return statements


def _granted(cls: type[Table]) -> Iterator[tuple[str, str]]:
    may_select = f"select ({', '.join(open_columns(cls))})" if cls.__sealed__ else "select"
    yield APP_ROLE, f"{may_select}, insert"
    if not cls.__withheld__:
        yield READER_ROLE, may_select
    if cls.__updatable__:
        yield APP_ROLE, f"update ({', '.join(sorted(cls.__updatable__))})"
    if cls.__deletable__:
        yield APP_ROLE, "delete"
    if cls.__searchable__:
        yield SEARCH_ROLE, may_select
    if cls.__sealed__:
        yield SIGNER_ROLE, f"select, update ({', '.join(sorted(cls.__sealed__))})"


POLICY_OF_OWNERS: Final = "rows_of_their_owners"
POLICY_OF_SERVICES: Final = "all_rows_for_services"


def policies(cls: type[Table]) -> list[str]:
    """The statements that put row-level security on an owned table, in the owner's own session; safe to repeat.

    FORCE holds the owner too, so the policy of services names it: migrations must see what they change.
    """
    name = table_name(cls)
    whose = " or ".join(f"{column} {owner.value}" for column, owner in sorted(cls.__owners__.items()))
    return [
        f"drop policy if exists {POLICY_OF_OWNERS} on {name}",
        f"drop policy if exists {POLICY_OF_SERVICES} on {name}",
        f"create policy {POLICY_OF_OWNERS} on {name} for select to {READER_ROLE} using ({whose})",
        f"create policy {POLICY_OF_SERVICES} on {name} to {APP_ROLE}, current_user using (true) with check (true)",
        f"alter table {name} enable row level security",
        f"alter table {name} force row level security",
    ]
