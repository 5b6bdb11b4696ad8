"""How stacks are read; everyone may see them."""

from __future__ import annotations

from countersign.kit.sight import EVERYONE
from countersign.kit.view import View

STACK = View(tag="stk", source="stacks {t}", columns={"id": "'stk_' || {t}.id"}, seen=(EVERYONE,))
