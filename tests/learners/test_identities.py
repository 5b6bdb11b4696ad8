"""What learners correct of themselves: where they live, and the address under which they are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from countersign.accounts import service as accounts
from countersign.kit import vault
from countersign.kit.access import ANONYMOUS, SYSTEM, Actor, Scope
from countersign.kit.db import Tx
from countersign.kit.errors import Invalid, NotAllowed
from countersign.kit.ids import new_id
from countersign.learners import consents, identities, rules, service
from countersign.learners.consents import Grant
from countersign.learners.rules import Purpose
from countersign.learners.service import Person
from tests.accounts.support import ISSUER

ANNA = Person("anna@example.com", "Anna Example", "DE", "DE-BE")
NEW = "anna@new.example"


async def signed_in(tx: Tx, learner_id: int, address: str | None = NEW) -> Actor:
    """The learner, signed in with a provider that vouches for an address."""
    account = await accounts.account_of(tx, ISSUER, f"learner-{learner_id}")
    key = None if address is None else rules.lookup_key(address)
    opened = await accounts.open_login(tx, account, authenticated_at=await tx.now(), email_key=key)
    await accounts.bind_learner(tx, account, learner_id)
    return Actor(
        person_id=account,
        account_id=account,
        login_id=opened.login_id,
        learner_id=learner_id,
        scopes=frozenset(Scope),
        authenticated_at=await tx.now(),
    )


async def residence(tx: Tx, learner_id: int) -> tuple[object, ...]:
    row = await tx.fetchrow("select country, region from learners where learner_id = $1", learner_id)
    assert row is not None
    return tuple(row)


async def address(tx: Tx, learner_id: int) -> str:
    key = await vault.key_of(tx, learner_id)
    assert key is not None
    sealed = await tx.fetchval("select email_sealed from learners where learner_id = $1", learner_id)
    return key.open(service.EMAIL, sealed).decode()


async def test_a_learner_corrects_where_they_live_and_searches_follow(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    me = await signed_in(tx, learner)
    await consents.grant(tx, me, Grant(Purpose.TALENT_SEARCH))
    await identities.correct_residence(tx, me, "KZ", "KZ-ALA")
    assert await residence(tx, learner) == ("KZ", "KZ-ALA")
    found = await tx.fetchrow("select country, region from candidate_search")
    assert found is not None
    assert tuple(found) == ("KZ", "KZ-ALA")
    await service.enrol(tx, ANNA)
    assert await residence(tx, learner) == ("KZ", "KZ-ALA")


async def test_correcting_the_residence_makes_nobody_found_who_did_not_consent(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    await identities.correct_residence(tx, await signed_in(tx, learner), "KZ", None)
    assert await tx.fetchval("select count(*) from candidate_search") == 0


@pytest.mark.parametrize(("country", "region"), [("de", None), ("DE", "FR-75"), ("DE", "Berlin")])
async def test_a_malformed_residence_is_refused(tx: Tx, country: str, region: str | None) -> None:
    learner = await service.enrol(tx, ANNA)
    with pytest.raises(Invalid):
        await identities.correct_residence(tx, await signed_in(tx, learner), country, region)
    assert await residence(tx, learner) == ("DE", "DE-BE")


async def test_nobody_corrects_for_a_learner(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    me = await signed_in(tx, learner)
    for actor in (ANONYMOUS, SYSTEM, replace(me, learner_id=None)):
        with pytest.raises(NotAllowed):
            await identities.correct_residence(tx, actor, "KZ", None)
        with pytest.raises(NotAllowed):
            await identities.change_email(tx, actor, NEW)
    assert (await residence(tx, learner), await address(tx, learner)) == (("DE", "DE-BE"), ANNA.email)


async def test_an_address_for_which_the_provider_vouches_becomes_the_learners(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    await identities.change_email(tx, await signed_in(tx, learner), " Anna@NEW.example")
    assert await address(tx, learner) == "Anna@NEW.example"


async def test_awards_sent_to_the_former_address_still_arrive(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    await identities.change_email(tx, await signed_in(tx, learner), NEW)
    for email in (ANNA.email, NEW):
        assert await service.enrol(tx, replace(ANNA, email=email)) == learner
    assert await tx.fetchval("select count(*) from learners") == 1


def _vouched_for_another(actor: Actor) -> Actor:
    return actor


def _by_token(actor: Actor) -> Actor:
    return replace(actor, login_id=None, token_id=new_id())


@pytest.mark.parametrize(
    ("vouched", "change"), [(None, _vouched_for_another), ("x@new.example", _vouched_for_another), (NEW, _by_token)]
)
async def test_an_address_without_proof_changes_nothing(
    tx: Tx, vouched: str | None, change: Callable[[Actor], Actor]
) -> None:
    learner = await service.enrol(tx, ANNA)
    me = change(await signed_in(tx, learner, vouched))
    with pytest.raises(identities.AddressNotProven):
        await identities.change_email(tx, me, NEW)
    assert await address(tx, learner) == ANNA.email
    assert await tx.fetchval("select count(*) from learner_directory") == 1


async def test_the_proof_ends_with_the_session(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    me = await signed_in(tx, learner)
    assert me.login_id is not None
    await accounts.end_login(tx, me.login_id)
    with pytest.raises(identities.AddressNotProven):
        await identities.change_email(tx, me, NEW)
    assert await address(tx, learner) == ANNA.email


async def test_an_address_with_awards_of_its_own_is_claimed_and_not_taken(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    other = await service.enrol(tx, replace(ANNA, email=NEW))
    with pytest.raises(identities.AddressKnown):
        await identities.change_email(tx, await signed_in(tx, learner), NEW)
    assert await address(tx, learner) == ANNA.email
    assert await service.enrol(tx, replace(ANNA, email=NEW)) == other
