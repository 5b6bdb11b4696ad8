"""A bounded memory of what was worked out: by number and by weight, and a flood does not wash out what is in use.

A segmented LRU (Karedy, Love and Wherry, 1994): what was asked for once is on probation and goes first; what was asked
for again is protected, and goes back on probation when too much is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

PROTECTED_SHARE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a memory holds and how well it served; `weight` in estimated bytes."""

    kept: int
    protected: int
    weight: int
    hits: int
    misses: int
    forgotten: int


@dataclass(slots=True)
class Effort:
    """How often something was made, and how long it took: all together and at most (seconds)."""

    count: int = 0
    seconds: float = 0.0
    longest: float = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Count what happens inside, unless it raises."""
        begun = perf_counter()
        yield
        took = perf_counter() - begun
        self.count += 1
        self.seconds += took
        self.longest = max(self.longest, took)


class _Entry(Generic[V]):
    __slots__ = ("value", "weight")

    def __init__(self, value: V, weight: int) -> None:
        self.value = value
        self.weight = weight


class Kept(Generic[K, V]):
    """At most `limit` values by key that weigh at most `capacity` together (in estimated bytes)."""

    def __init__(self, limit: int, capacity: int = 1 << 62) -> None:
        self._limit = limit
        self._capacity = capacity
        self._probation: dict[K, _Entry[V]] = {}
        self._protected: dict[K, _Entry[V]] = {}
        self._weight = self._protected_weight = 0
        self._hits = self._misses = self._forgotten = 0

    def __len__(self) -> int:
        return len(self._probation) + len(self._protected)

    def get(self, key: K) -> V | None:
        """The value, which is from now on protected; None when it is not kept."""
        entry = self._protected.pop(key, None)
        if entry is None:
            entry = self._probation.pop(key, None)
            if entry is None:
                self._misses += 1
                return None
            self._protected_weight += entry.weight
        self._hits += 1
        self._protected[key] = entry
        self._demote()
        return entry.value

    def put(self, key: K, value: V, weight: int = 0) -> None:
        """Keep a new value on probation, or another value or weight of a known one in its place.

        One that is heavier than everything may be is not kept.
        """
        self._remove(key)
        if weight > self._capacity:
            return
        self._probation[key] = _Entry(value, weight)
        self._weight += weight
        self._shrink()

    def reweigh(self, key: K, weight: int) -> None:
        """Correct the weight of a value that has grown, if it is still kept."""
        for segment in (self._probation, self._protected):
            entry = segment.get(key)
            if entry is not None:
                self._weight += weight - entry.weight
                if segment is self._protected:
                    self._protected_weight += weight - entry.weight
                entry.weight = weight
        self._shrink()

    def statistics(self) -> Statistics:
        """What is kept now, and how it served so far."""
        return Statistics(len(self), len(self._protected), self._weight, self._hits, self._misses, self._forgotten)

    def _demote(self) -> None:
        """Put the least recently used ones back on probation while too much is protected; the last used one stays."""
        while len(self._protected) > 1 and (
            len(self._protected) > PROTECTED_SHARE * self._limit
            or self._protected_weight > PROTECTED_SHARE * self._capacity
        ):
            key = next(iter(self._protected))
            entry = self._protected.pop(key)
            self._protected_weight -= entry.weight
            self._probation[key] = entry

    def _shrink(self) -> None:
        while len(self) > self._limit or self._weight > self._capacity:
            self._remove(next(iter(self._probation or self._protected)))
            self._forgotten += 1

    def _remove(self, key: K) -> None:
        entry = self._probation.pop(key, None)
        if entry is None:
            entry = self._protected.pop(key, None)
            if entry is None:
                return
            self._protected_weight -= entry.weight
        self._weight -= entry.weight
