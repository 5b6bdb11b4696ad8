"""Clients that take their time: each sends less than it should and sees what becomes of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Final

from tests.edge.wire import Answer, Wire, head, post
from tests.patience import WAIT

TRIES: Final = 2 * int(WAIT)  # of half a second


def silent(port: int) -> Answer:
    """Connects and says nothing."""
    with Wire(port) as wire:
        return wire.answer()


def half_a_head(port: int) -> Answer:
    """Sends one header line every half second and never the end."""
    with Wire(port) as wire:
        wire.send(b"POST /graphql HTTP/1.1\r\n")
        wire.socket.settimeout(0.5)
        for number in range(TRIES):
            wire.send(b"x-%d: y\r\n" % number)
            with contextlib.suppress(TimeoutError):
                return wire.answer()
        raise AssertionError("it was never closed")


def dribbled_body(port: int) -> Answer:
    """Sends one byte of the body every half second."""
    with Wire(port) as wire:
        wire.send(head(port, content_type="application/json", content_length="1000"))
        wire.socket.settimeout(0.5)
        for _ in range(TRIES):
            wire.send(b" ")
            with contextlib.suppress(TimeoutError):
                return wire.answer()
        raise AssertionError("it was never closed")


def idle(port: int) -> Answer:
    """Asks once and keeps the connection."""
    with Wire(port) as wire:
        wire.send(post(port))
        first = wire.answer()
        assert first.status == 200
        return wire.answer()


def unread(port: int) -> Answer:
    """Asks again and again for much and reads nothing of it."""
    with Wire(port, receive_buffer=4096) as wire:
        request = head(port, "GET", "/page/page.js") * 20
        deadline = time.monotonic() + WAIT
        wire.socket.settimeout(1.0)
        while time.monotonic() < deadline:
            try:
                wire.socket.send(request)
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                return Answer(0, {}, b"", True, time.monotonic() - wire.started)
        raise AssertionError("it was never closed")


WAYS: Final[Mapping[str, Callable[[int], Answer]]] = {
    "silent": silent,
    "half a head": half_a_head,
    "dribbled body": dribbled_body,
    "idle": idle,
    "unread": unread,
}
