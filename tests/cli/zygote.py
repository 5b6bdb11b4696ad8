"""A process that has read all of Countersign and then only forks: what a verb's process does before its first line.

Started by `tests.cli.running` with one end of a socket as its standard input; ends with it. Every request brings three
file descriptors (standard input, output, error) and a JSON object (arguments, environment, session); it is answered
with the number of the process, and once that has ended with its exit code.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import threading
import traceback
from importlib import import_module
from typing import Any, NoReturn

LARGEST = 1 << 18
MODULES = (
    "demo doctor documents export_schema hosting imports log main migrate organizations people reset serve sign_in"
)
MODULES += " token"


def _become(request: dict[str, Any], streams: list[int]) -> NoReturn:
    """Be the process that was asked for, to its end."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if request["session"]:
        os.setsid()
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["countersign", *request["arguments"]]
    code: object = 0
    try:
        import_module("countersign.cli.main").main()
    except SystemExit as left:
        code = left.code
        if isinstance(code, str):
            sys.stderr.write(f"{code}\n")
    except BaseException:  # noqa: BLE001 - told as an interpreter tells it
        traceback.print_exc()
        code = 1
    # As an interpreter ends, but for taking every module apart: after a fork that costs more than a short verb.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def serve(asked: socket.socket) -> None:
    """Fork at every request until the asker hangs up."""
    woken, waking = socket.socketpair()
    woken.setblocking(False)
    waking.setblocking(False)
    signal.set_wakeup_fd(waking.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as events:
        events.register(asked, selectors.EVENT_READ)
        events.register(woken, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in events.select()}
            if woken in ready:
                woken.recv(4096)
                _bury(running)
            if asked in ready:
                message, handed, _, _ = socket.recv_fds(asked, LARGEST, 4)
                if not message:
                    return
                request, (reply, *streams) = json.loads(message), handed
                pid = os.fork()
                if pid == 0:
                    for other in (asked, woken, waking, *running.values()):
                        other.close()
                    os.close(reply)
                    _become(request, streams)
                for stream in streams:
                    os.close(stream)
                running[pid] = socket.socket(fileno=reply)
                _tell(running[pid], pid)


def _bury(running: dict[int, socket.socket]) -> None:
    """Tell of every process that has ended how it ended."""
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with running.pop(pid) as reply:
            _tell(reply, os.waitstatus_to_exitcode(status))


def _tell(reply: socket.socket, number: int) -> None:
    """Whoever asked may have gone: the next one is forked for all the same."""
    with contextlib.suppress(OSError):
        reply.sendall(b"%d\n" % number)


def handed_over(reply: socket.socket, *streams: int) -> list[tuple[int, int, bytes]]:
    """What goes beside a request's text: the descriptors."""
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [reply.fileno(), *streams]).tobytes())]


if __name__ == "__main__":
    for name in MODULES.split():
        import_module(f"countersign.cli.{name}")
    gc.freeze()
    serve(socket.socket(fileno=os.dup(0)))
