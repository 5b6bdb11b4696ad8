"""Where a table lives when the data outgrow one machine, and what the application's role may do to it."""

from __future__ import annotations

import enum
from typing import Any, ClassVar

from sqlmodel import SQLModel

APP_ROLE = "countersign_app"


class Placement(enum.Enum):
    """REFERENCE tables are copied to every node, BY_LEARNER ones are sharded by `learner_id`, LOCAL ones stay."""

    REFERENCE = "reference"
    BY_LEARNER = "by_learner"
    LOCAL = "local"


class Table(SQLModel):
    """Base of every table: it must say its placement and what may change after insertion.

    `__updatable__` names the columns that the application's role may UPDATE (default: none, rows are immutable);
    `__deletable__` says whether it may DELETE rows. `migrate` turns both into grants.
    """

    __placement__: ClassVar[Placement]
    __updatable__: ClassVar[frozenset[str]] = frozenset()
    __deletable__: ClassVar[bool] = False


def placed_tables() -> list[type[Table]]:
    """Every declared table class, by table name; the metadata must have been imported (see `app`)."""

    def walk(cls: type[Table]) -> list[type[Table]]:
        found = [cls] if hasattr(cls, "__table__") else []
        return found + [t for sub in cls.__subclasses__() for t in walk(sub)]

    return sorted(walk(Table), key=table_name)


def table_name(cls: type[Any]) -> str:
    """The SQL name of a table class."""
    return str(cls.__tablename__)


def grants() -> list[str]:
    """The statements that give the application's role exactly what the tables declare; safe to repeat."""
    statements = [
        f"grant usage on schema public to {APP_ROLE}",
        f"grant usage on all sequences in schema public to {APP_ROLE}",
    ]
    for cls in placed_tables():
        name = table_name(cls)
        statements.append(f"revoke all on {name} from {APP_ROLE}")
        statements.append(f"grant select, insert on {name} to {APP_ROLE}")
        if cls.__updatable__:
            statements.append(f"grant update ({', '.join(sorted(cls.__updatable__))}) on {name} to {APP_ROLE}")
        if cls.__deletable__:
            statements.append(f"grant delete on {name} to {APP_ROLE}")
    return statements
