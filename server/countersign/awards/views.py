"""How awards are read: by their learner, and by who may issue them for their school."""

from __future__ import annotations

from countersign.kit.access import Permission
from countersign.kit.sight import holders
from countersign.kit.view import View
from countersign.learners.views import own

AWARD = View(
    tag="award",
    source="awards {t}",
    columns={"signed": "({t}.credential is not null)"},
    seen=(own("not {t}.held_back"), holders(Permission.ISSUE_AWARD, of="the school that issued it")),
)
