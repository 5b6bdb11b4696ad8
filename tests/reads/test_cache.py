"""What is kept: bounded by number and weight, oldest first, and a flood does not wash out what is in use."""

from hypothesis import given
from hypothesis import strategies as st

from countersign.reads.cache import Kept


def test_the_least_recently_used_goes_first() -> None:
    kept: Kept[str, str] = Kept(3)
    for key in "abc":
        kept.put(key, key.upper())
    assert kept.get("a") == "A"
    kept.put("d", "D")
    assert [kept.get(key) for key in "abcd"] == ["A", None, "C", "D"]
    assert (kept.statistics().hits, kept.statistics().misses, kept.statistics().forgotten) == (4, 1, 1)


def test_weight_is_bounded_as_well_as_number() -> None:
    kept: Kept[int, str] = Kept(1_000, 100)
    for key in range(50):
        kept.put(key, "x", 30)
        assert kept.statistics().weight <= 100
    assert len(kept) == 3
    kept.put(99, "too heavy", 101)
    assert kept.get(99) is None
    assert len(kept) == 3


def test_what_grows_is_weighed_again_and_others_make_room() -> None:
    kept: Kept[str, str] = Kept(10, 100)
    for key in "abc":
        kept.put(key, key, 30)
    kept.reweigh("c", 90)
    assert (len(kept), kept.get("c"), kept.statistics().weight) == (1, "c", 90)
    kept.reweigh("gone", 50)
    assert kept.statistics().weight == 90


def test_what_is_in_use_stays_while_a_flood_passes() -> None:
    kept: Kept[str, int] = Kept(100, 10_000)
    honest = [f"honest-{n}" for n in range(70)]
    for key in honest * 2:
        if kept.get(key) is None:
            kept.put(key, 1, 100)
    for n in range(5_000):
        assert kept.get(f"flood-{n}") is None
        kept.put(f"flood-{n}", 0, 100)
        assert len(kept) <= 100
    assert all(kept.get(key) == 1 for key in honest)
    # Even one whose texts come twice each takes no more room than there is.
    for n in range(5_000):
        for _ in range(2):
            if kept.get(f"twice-{n}") is None:
                kept.put(f"twice-{n}", 0, 100)
    assert (len(kept), kept.statistics().weight) == (100, 10_000)


@given(st.lists(st.tuples(st.sampled_from(["get", "put", "reweigh"]), st.integers(0, 9), st.integers(0, 60))))
def test_the_books_are_right_whatever_is_done(steps: list[tuple[str, int, int]]) -> None:
    kept: Kept[int, int] = Kept(5, 100)
    for act, key, weight in steps:
        if act == "get":
            kept.get(key)
        elif act == "put":
            kept.put(key, weight, weight)
        else:
            kept.reweigh(key, weight)
        entries = [*kept._probation.values(), *kept._protected.values()]
        assert kept.statistics().weight == sum(entry.weight for entry in entries) <= 100
        assert kept._protected_weight == sum(entry.weight for entry in kept._protected.values())
        assert len(kept) == len(entries) <= 5
