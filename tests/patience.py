"""How long a test waits for what comes in its own time: a busy machine is slow, and no test is about speed."""

from __future__ import annotations

WAIT = 60.0
"""Seconds."""
