"""What a stranger cannot tell apart: a thing that is hidden from them, and one that never was."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from statistics import median
from typing import Final

import pytest

from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.ids import new_id
from tests.authority.place import NODES, SEALER, Place
from tests.authority.policy import Thing
from tests.authority.test_matrix import NAMES, finders

ROUNDS: Final = 60
TRIES: Final = 4
NUMBER: Final = 8
LARGEST_DIFFERENCE: Final = 0.005  # seconds, between medians


def missing(thing: Thing) -> Thing:
    """A thing of the same kind that is not there."""
    key = str(new_id())
    payload = None
    if thing.payload is not None:
        # The learner's number and, where there is one, the thing's own key.
        payload = thing.payload[:NUMBER] + new_id().bytes if len(thing.payload) > NUMBER else b"\x7f" + b"\xff" * 7
    names = {name: f"nothing-{key}" for name in NAMES if name in thing.row}
    return replace(thing, key=key, payload=payload, row={**thing.row, **names})


def hidden(place: Place, actor: Actor) -> dict[str, Thing]:
    """A thing of each kind that is hidden from somebody."""
    found = {name: place.by_place(actor, name).get("foreign") for name in NODES}
    return {name: things[0] for name, things in found.items() if things}


async def test_a_hidden_thing_and_a_missing_one_are_answered_with_the_same_bytes(place: Place) -> None:
    compared = 0
    for actor in place.world.actors.values():
        for name, thing in hidden(place, actor).items():
            keys = place.book.bounds[name].keys
            absent = missing(thing)
            there = finders(name, place.id(thing, actor), thing, keys)
            nowhere = finders(name, place.id(absent, actor), absent, keys)
            malformed = finders(name, "nonsense", absent, keys)
            for (coordinate, text, a), (_, _, b), (_, _, c) in zip(there, nowhere, malformed, strict=True):
                answers = {(await place.raw(text, actor, v=value)) for value in (a, b, c)}
                assert len(answers) == 1, (coordinate, name)
                compared += 1
    assert compared > len(place.world.actors) * 2


async def differ(place: Place, asker: Actor, ids: Mapping[str, str]) -> bool:
    """Whether the times of two questions differ by more than chance and half of one of them."""
    times: dict[str, list[float]] = {which: [] for which in ids}
    for round_ in range(ROUNDS):
        for which in sorted(ids, reverse=bool(round_ % 2)):
            began = time.perf_counter()
            await place.raw("query ($id: ID!) { node(id: $id) { __typename id } }", asker, id=ids[which])
            times[which].append(time.perf_counter() - began)
    one, other = (median(found) for found in times.values())
    return abs(one - other) >= max(LARGEST_DIFFERENCE, min(one, other) / 2)


async def test_a_hidden_thing_takes_no_longer_than_a_missing_one(place: Place) -> None:
    """Medians over interleaved questions, so that what else the machine does meets both."""
    actor = place.world.second.school["author"]
    for name, thing in (hidden(place, ANONYMOUS) | hidden(place, actor)).items():
        asker = actor if not place.book.sees(actor, thing) else ANONYMOUS
        ids = {"hidden": place.id(thing, asker), "missing": place.id(missing(thing), asker)}
        # What takes longer by itself takes longer each time; what a busy machine delays does not.
        for _ in range(TRIES):
            if not await differ(place, asker, ids):
                break
        else:
            pytest.fail(f"{name}: a hidden one takes another time than a missing one")


async def test_an_id_that_was_sealed_for_another_organization_is_no_id(place: Place) -> None:
    """Ids carry no authority: whoever writes another one's ids sees what they see, which is nothing."""
    stranger = place.world.second.school["author"]
    for name, thing in hidden(place, stranger).items():
        for owner in place.world.actors.values():
            text = f"{{ node(id: {json.dumps(thing.id(place.book.bounds[name], owner, SEALER))}) {{ id }} }}"
            body = await place.ask(text, stranger)
            assert body["data"] == {"node": None}, name
