"""How awards are read: by their learner, and by who may issue them for their school."""

from __future__ import annotations

from countersign.kit.access import Permission
from countersign.kit.sight import holders, learner
from countersign.kit.view import View

AWARD = View(
    tag="award",
    source="awards {t}",
    columns={"signed": "({t}.credential is not null)"},
    seen=(learner(), holders(Permission.ISSUE_AWARD, of="the school that issued it")),
)
