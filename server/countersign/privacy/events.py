"""What happens here and concerns the rooms above, in the same transaction (`kit/events`)."""

from __future__ import annotations

from dataclasses import dataclass

from countersign.kit.events import Event


@dataclass(frozen=True, slots=True)
class LearnersErased(Event):
    """A learner, with every record of theirs, is being erased: what is kept of them elsewhere goes too."""

    learner_ids: tuple[int, ...]
