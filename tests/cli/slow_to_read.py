"""What a worker needs before it can answer its parent, and takes long to read: it notes which process read it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from uvicorn.protocols.http.h11_impl import H11Protocol

NOTED = "READ_BY"  # set by the parent once it has read this itself
SECONDS = 3.0

if NOTED in os.environ:
    with Path(os.environ[NOTED]).open("a") as noted:
        noted.write(f"{os.getpid()}\n")
    time.sleep(SECONDS)


class Protocol(H11Protocol):
    """As it is."""
