"""Events inside a transaction: what happens in a low room reaches the rooms above before the commit.

Imports only go down, so a room that ends a membership cannot call the room whose reviews that voids. It publishes a
typed event instead; `app` registers the handlers, and each runs in the publisher's transaction: all of it happens, or
nothing. What may happen later, and is told to clients, is the outbox's (`kit/outbox`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from countersign.kit.db import Tx

E = TypeVar("E", bound="Event")


class Event:
    """Base of the events: a frozen dataclass of the room that publishes it."""

    __slots__ = ()


_handlers: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {}


def register(kind: type[E], *handlers: Callable[[Tx, E], Awaitable[None]]) -> None:
    """Have handlers called, in this order, for each event of exactly this type. Only `app` registers.

    Registering replaces what was registered for the type, so that composing twice calls nobody twice.
    """
    _handlers[kind] = list(handlers)


async def publish(tx: Tx, event: Event) -> None:
    """Run every handler of the event in this transaction; what one raises undoes the publisher's work too.

    Raises LookupError when nobody was registered: an effect that silently does not happen is worse than a failure.
    """
    if type(event) not in _handlers:
        raise LookupError(f"nobody handles {type(event).__name__}: register its handlers in app")
    for handler in _handlers[type(event)]:
        await handler(tx, event)
