"""`ui-build`: GraphiQL, built from its sources."""

from __future__ import annotations

from countersign.cli.hosting import BAD_USAGE, leave_on_sigterm, say
from countersign.demo import frontend


def run() -> int:
    """Build unless the bundle is fresh."""
    leave_on_sigterm()
    try:
        frontend.build(say)
    except frontend.BuildFailed as failure:
        say(str(failure))
        return BAD_USAGE
    say(f"{frontend.BUNDLE} is fresh")
    return 0
