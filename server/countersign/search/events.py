"""What happens in the candidate index and concerns the rooms above, in the same transaction (`kit/events`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from countersign.kit.events import Event


@dataclass(frozen=True, slots=True)
class CandidatesGone(Event):
    """Learners are not to be found any more: they withdrew, or their records became another's.

    `at`: when their consent ends, which they have set anew; None for now.
    """

    learner_ids: tuple[int, ...]
    at: datetime | None = None
