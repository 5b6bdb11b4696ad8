"""What was recorded is in the log; what was changed behind its back is found, and named."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from countersign import app
from countersign.awards import credentials
from countersign.endorsements import service as endorsements
from countersign.kit import audit
from countersign.kit.access import SYSTEM, OrganizationKind, Role
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.log import adopting, checking, jobs, rules, sequencing, service, sources
from countersign.log.rules_notes import Checkpoint, LogKey
from countersign.log.sources import enter
from countersign.organizations import members, standing
from tests.conftest import NOW
from tests.factories import Factory
from tests.log import tampering
from tests.log.support import KEY, Ledger, another_version, look
from tests.organizations.support import membership_of
from tests.reviews.support import reviewed


async def tampered(owner: asyncpg.Connection[Any], *statements: str) -> list[checking.Finding]:
    """What is found after a superuser's statements, all of which are taken back."""
    change = owner.transaction()
    await change.start()
    try:
        for statement in statements:
            assert not (await owner.execute(statement)).endswith(" 0"), statement
        return (await look(owner)).found
    finally:
        await change.rollback()


async def test_an_honest_log_is_found_whole(kept: Ledger) -> None:
    report = await kept.check([await kept.note()])
    assert report.found == []
    assert (report.size > 10, report.things > 5, report.waiting) == (True, True, 0)


TAMPERINGS = [
    ("update audit_events set actor = 'person:x' where action = 'endorsement.revoked'", "leaf", "is not what was"),
    (
        "update audit_events set reason = 'nothing' where action = 'award.signed'",
        "leaf",
        "is not what was recorded",
    ),
    ("update audit_events set at = at - interval '1 day' where action = 'award.revoked'", "leaf", "is gone"),
    ("delete from audit_events where action = 'award.revoked'", "leaf", "is gone"),
    ("update endorsement_signatures set credential = credential || ' '::bytea", "endorsement end_", "is not what"),
    ("delete from endorsement_signatures", "endorsement end_", "is not what"),
    (
        "update endorsements set state = 'in_force', revoked_at = null where state = 'revoked'",
        "endorsement",
        "is not",
    ),
    ("update endorsements set revoked_at = now() where revoked_at is null", "endorsement end_", "is not what"),
    ("update endorsement_evidence set payload = '{}'", "endorsement end_", "is not what the log says"),
    ("update status_entries set revoked_at = null where revoked_at is not null", "status status:", "is gone"),
    ("update status_entries set revoked_at = now() where revoked_at is null", "status status:", "it was put in"),
    ("update status_lists set purpose = 'suspension'", "status status:", "is not what the log says"),
    ("update status_lists set number = number + 7", "status status:", "is not what the log says"),
    ("update spec_versions set spec_json = spec_json || ' '::bytea", "version version_", "is not what the log"),
    ("update spec_versions set content = content || '{\"x\": 1}'", "version version_", "is not what the log"),
    ("update signing_keys set public = sha256(public)", "key key:", "is not what the log says"),
    ("update signing_keys set retired_at = now()", "key key:", "is not what the log says"),
    ("update did_versions set body = body || ' '::bytea", "did did:", "is not what the log says"),
    ("update reviews set scores = '[]'", "review rev_", "is not what the log says"),
    ("update reviews set recommendation = 'decline'", "review rev_", "is not what the log says"),
    ("update reviews set voided_at = now()", "review rev_", "is not what the log says"),
    ("delete from reviews", "review rev_", "is gone, which the log does not know"),
    ("update review_comments set body = 'Splendid.' where no = 1", "review rev_", "is not what the log says"),
    ("delete from review_comments where no = 2", "review rev_", "is not what the log says"),
    ("update review_suggestions set replacement = ''", "review rev_", "is not what the log says"),
    (
        (
            "insert into rubric_versions (id, rubric_id, organization_id, number, title, criteria, evidence_from,"
            " published_at) select gen_random_uuid(), rubric_id, organization_id, number + 1, title, criteria,"
            " evidence_from, published_at from rubric_versions"
        ),
        "rubric rub_",
        "it was put in",
    ),
    ("update rubric_versions set evidence_from = 5", "rubric rub_", "is not what the log says"),
    ("update rubric_versions set criteria = '[]'", "rubric rub_", "is not what the log says"),
    ("update recognized_issuers set name = 'Us'", "recognized_issuer issuer:did:web:", "is not what the log says"),
    ("insert into recognized_issuers values ('did:key:me', 'Me', now())", "recognized_issuer issuer:", "put in"),
    ("delete from recognized_issuers", "recognized_issuer issuer:did:web:", "is gone"),
    ("update organizations set verification = 'domain_verified'", "organization org_", "is not what the log says"),
    ("update organizations set control_group = gen_random_uuid()", "organization org_", "is not what the log says"),
    ("update organizations set domains = '{acme.example}'", "organization org_", "is not what the log says"),
    ("delete from organization_suspensions", "organization org_", "is not what the log says"),
    ("delete from former_control_groups", "organization org_", "is not what the log says"),
    ("update memberships set roles = roles || '{signatory}'", "membership membership_", "is not what the log says"),
    ("update memberships set signing_until = now()", "membership membership_", "is not what the log says"),
    ("delete from memberships", "membership membership_", "is gone, which the log does not know"),
    (
        (
            "insert into memberships (id, organization_id, person_id, roles, valid_from) select gen_random_uuid(),"
            " organization_id, gen_random_uuid(), '{org_admin}', now() from memberships limit 1"
        ),
        "membership membership_",
        "it was put in",
    ),
    ("update organization_domains set domain = 'acme.example'", "domain dom_", "is not what the log says"),
    ("update organization_domains set state = 'lost'", "domain dom_", "is gone, which the log does not know"),
    (
        (
            "insert into organization_domains select gen_random_uuid(), organization_id, 'acme.example', challenge,"
            " state, method, requested_at, null, checked_at, proved_at, 0, null from organization_domains"
        ),
        "domain dom_",
        "it was put in",
    ),
    ("update ownership_links set state = 'ended'", "ownership_link lnk_", "is not what the log says"),
    ("update ownership_links set held_id = gen_random_uuid()", "ownership_link lnk_", "is not what the log says"),
    ("delete from ownership_links", "ownership_link lnk_", "is gone, which the log does not know"),
    ("update tool_makers set ended_at = now()", "tool_maker mak_", "is not what the log says"),
    ("delete from tool_makers", "tool_maker mak_", "is gone, which the log does not know"),
    ("update sponsorships set until = '2026-12-01'", "sponsorship spo_", "is not what the log says"),
    ("delete from sponsorships", "sponsorship spo_", "is gone, which the log does not know"),
    (
        (
            "insert into sponsorships (id, sponsor_id, sponsored_id, since, declared_at) select gen_random_uuid(),"
            " sponsored_id, sponsor_id, since, declared_at from sponsorships"
        ),
        "sponsorship spo_",
        "it was put in",
    ),
    ("update awards set credential = credential || ' '::bytea", "award award:", "is not what the log says"),
    (
        "update awards set state = 'issued', revoked_at = null where state = 'revoked'",
        "award award:",
        "is not what",
    ),
    ("update log_leaves set data = data || ' '::bytea where index = 3", "leaf 3", "its hash is not that"),
    ("update log_leaves set hash = sha256(hash) where index = 3", "leaf 3", "its hash is not that of its data"),
    ("update log_leaves set salt = sha256(salt) where index = 3", "leaf 3", "is not what was recorded"),
    ("update log_leaves set content_salt = null where content_salt is not null", "", "the salt of its leaf"),
    ("delete from log_leaves where index = 3", "leaves 3 to 3", "are missing"),
    ("update log_checkpoints set note = replace(note, 'log\n', 'log\n1')", "checkpoint", "did not sign this"),
    ("update log_checkpoints set note = note || 'x'", "checkpoint", "more or less than its text and one signature"),
    ("delete from log_checkpoints where number = 1", "checkpoint", "one is missing"),
    # How many there are depends on how often the log looked while others' transactions were open on the same server.
    ("delete from log_checkpoints where number > 1", "log head", "the newest good checkpoint covers 0"),
    ("update log_head set size = size - 1", "log head", "leaves"),
    ("delete from log_head", "log head", "is missing"),
    ("insert into log_nodes values (8, 0, sha256('x'))", "tiles of level 8", "there are no tiles of this level"),
]
"""What a superuser does, and where and as what it is found."""


async def test_what_a_superuser_changes_is_found(kept: Ledger, owner: asyncpg.Connection[Any]) -> None:
    missed = []
    for statement, where, what in TAMPERINGS:
        found = await tampered(owner, "set local session_replication_role = replica", statement)
        if not any(one.where.startswith(where) and what in one.what for one in found):
            missed.append((statement, found))
    assert missed == []
    assert (await kept.check()).found == []


@pytest.mark.usefixtures("kept")
async def test_a_row_that_was_put_in_is_found(owner: asyncpg.Connection[Any]) -> None:
    columns = ", ".join(audit.SEALED)
    forged = columns.replace("reason", "'put in'").replace("at,", "{at},", 1).replace(", id,", ", gen_random_uuid(),")
    past = f"insert into audit_events ({columns}) select {forged.format(at='at - interval $$30 days$$')}"
    now = f"insert into audit_events ({columns}) select {forged.format(at='now()')}"
    for insert in (past, now):
        found = await tampered(owner, f"{insert} from audit_events where action = 'award.signed' limit 1")
        assert "was not written by this installation" in found[0].what


async def test_a_forgery_that_the_log_took_in_is_found(kept: Ledger, owner: asyncpg.Connection[Any]) -> None:
    await owner.execute(
        "insert into audit_events (stream_key, at, id, actor, action, decision, mac)"
        " select stream_key, at, gen_random_uuid(), actor, 'forged', decision, mac from audit_events"
        " where action = 'award.signed' limit 1"
    )
    await kept.keep()
    (found,) = (await kept.check()).found
    assert "(forged, " in found.what
    assert "was not written by this installation" in found.what


async def test_an_event_that_is_left_out_of_the_log_is_found(kept: Ledger, owner: asyncpg.Connection[Any]) -> None:
    async with kept.db.writer() as tx:
        await tx.insert(audit.record(SYSTEM, "x", NOW, subject=None, decision=audit.Decision.DONE, reason=None))
    assert (await kept.check()).waiting == 1
    found = await tampered(owner, "update audit_events set xact = 3 where action = 'x'")
    assert "is in no leaf though it is old enough" in found[0].what
    found = await tampered(owner, "update log_head set watermark = 1 << 60")
    assert "is in no leaf though it is old enough" in found[0].what


async def test_who_has_the_key_but_cannot_move_time_back_is_found(kept: Ledger) -> None:
    """A back-dated event is sealed and in a leaf; the leaves before it tell that it came later."""
    async with kept.db.writer() as tx:
        event = audit.record(
            SYSTEM, "x", NOW - timedelta(days=30), subject=None, decision=audit.Decision.DONE, reason=None
        )
        await tx.insert(event)
    await kept.keep()
    (found,) = (await kept.check()).found
    assert "is back-dated: the log had come to 2026-11-22 12:00:00" in found.what
    async with kept.db.fresh_reader() as reader:  # as in a demo, whose history is played
        assert (await look(reader, played=True)).found == []


async def test_a_log_written_anew_with_its_own_key_is_known_by_the_witness(
    kept: Ledger, owner: asyncpg.Connection[Any]
) -> None:
    """Whoever holds database and key can make a whole new log; it does not agree with what was kept elsewhere."""
    note = await kept.note()
    size = KEY.verifier.open(note).size
    change = owner.transaction()
    await change.start()
    try:
        for table in ("log_leaves", "log_nodes", "log_checkpoints", "log_head"):
            await owner.execute(f"delete from {table}")
        assert "only 0 leaves are left" in (await look(owner, [note])).found[-1].what
    finally:
        await change.rollback()
    forked = KEY.sign(Checkpoint(KEY.verifier.name, size, b"\x01" * 32))
    (found,) = (await kept.check([forked])).found
    assert (found.where, found.what) == (f"witness {size}", "kept another root: the log was forked or written anew")
    (foreign,) = (await kept.check([LogKey(b"other", KEY.verifier.name).sign(KEY.verifier.open(note))])).found
    assert foreign.what == "the log's key did not sign this checkpoint"


async def test_a_refused_command_is_in_the_log_and_its_thing_is_not(kept: Ledger) -> None:
    before = await kept.keep()
    async with kept.db.writer() as tx:
        refused = endorsements.Revoke(kept.revoked, "Once more.")
        with pytest.raises(Exception, match="revoked"):
            async with tx.savepoint():
                await endorsements.revoke(tx, kept.here.employer, refused)
    assert (await kept.keep()).size == before.size


async def test_every_checkpoint_has_proofs_that_hold(kept: Ledger) -> None:
    old = await kept.keep()
    for _ in range(3):
        async with kept.db.writer() as tx:
            for _ in range(90):
                done = audit.Decision.DONE
                await tx.insert(audit.record(SYSTEM, "x", NOW, subject=f"org_{new_id()}", decision=done, reason=None))
    new = await kept.keep()
    assert new.size > rules.TILE_WIDTH
    async with kept.db.fresh_reader() as reader:
        proof = await service.consistency(reader, old.size, new.size)
        assert proof is not None
        assert rules.extends(old.root, old.size, new.root, new.size, proof)
        for index in (0, old.size, rules.TILE_WIDTH - 1, rules.TILE_WIDTH, new.size - 1):
            found = await service.inclusion(reader, index)
            assert found is not None
            assert rules.includes(new.root, rules.leaf_hash(found.leaf), index, new.size, found.proof)
        assert await service.inclusion(reader, new.size) is None
        assert await service.consistency(reader, old.size, new.size + 1) is None
    assert (await kept.check()).found == []


async def test_what_was_there_before_the_log_began_is_adopted_once(
    kept: Ledger, owner: asyncpg.Connection[Any]
) -> None:
    for table in ("log_leaves", "log_nodes", "log_checkpoints", "log_head"):
        await owner.execute(f"delete from {table}")
    await owner.execute("update audit_events set mac = null, xact = null")
    await owner.execute("delete from audit_events where kind is not null")
    report = await kept.check()
    assert {one.what for one in report.found} == {"is not in the log: it was put in"}
    await kept.keep()
    report = await kept.check()
    assert report.found == []
    assert report.things > 5
    await owner.execute("update audit_events set mac = null where action = 'adoptIntoLog'")
    assert all("is not what was recorded" in f.what or "not written" in f.what for f in (await kept.check()).found)


async def test_what_was_there_before_the_log_covered_such_things_is_taken_in_once(
    kept: Ledger, owner: asyncpg.Connection[Any]
) -> None:
    late = [source.kind for source in app.LOGGED if source.late]
    for table in ("log_leaves", "log_nodes", "log_checkpoints", "log_head"):
        await owner.execute(f"delete from {table}")
    await owner.execute("delete from audit_events where kind = any($1)", [*late, adopting.SOURCE])
    await jobs.catch_up(kept.db, KEY, [source for source in app.LOGGED if not source.late])
    report = await kept.check()
    assert (report.found, report.waiting >= len(late)) == ([], True)
    await kept.keep()
    report = await kept.check()
    assert (report.found, report.waiting) == ([], 0)
    again = "delete from audit_events where kind = 'source' and object = 'source:review'"
    assert "is gone" in (await tampered(owner, again))[0].what
    size = report.size
    assert (await kept.keep()).size == size


async def test_what_somebody_leaves_behind_is_written_down_as_void(kept: Ledger, make: Factory) -> None:
    async with kept.db.writer() as tx:
        version = await another_version(tx, kept)
        voided = await reviewed(tx, kept.here.school, kept.here.employer, version)
        admin = await make.member(tx, kept.here.employer_id, OrganizationKind.EMPLOYER, Role.ORG_ADMIN)
        await members.end(tx, admin, await membership_of(tx, kept.here.employer))
    await kept.keep()
    async with kept.db.fresh_reader() as reader:
        told = await reader.fetch("select action from audit_events where object = $1 order by id", f"rev_{voided}")
    assert [row["action"] for row in told] == ["review.submitted", "review.voided"]
    assert (await kept.check()).found == []


async def test_a_thing_that_ends_is_written_down_as_gone_and_its_salt_may_go(
    kept: Ledger, owner: asyncpg.Connection[Any]
) -> None:
    learner_id, award_id = kept.awarded
    await owner.execute(f"update awards set credential = null, signed_at = null where id = '{award_id}'")
    assert [f.what for f in (await kept.check()).found] == ["is gone, which the log does not know of"]
    async with kept.db.writer() as tx:
        await enter(tx, credentials.LOGGED, learner_id, award_id, action="eraseMe")
        await sources.forget_salts(tx, "award", [f"award:{award_id}"])
    await kept.keep()
    assert (await kept.check()).found == []


@pytest.mark.parametrize("in_the_log_before", [True, False])
async def test_of_who_is_erased_no_leaf_can_be_matched_and_the_log_is_whole(
    kept: Ledger, in_the_log_before: bool
) -> None:
    learner_id, award_id = kept.awarded
    async with kept.db.writer() as tx:
        digest = await tx.fetchval("select content from audit_events where action = 'award.signed' limit 1")
        assert await service.place_of(tx, digest) is not None
        if not in_the_log_before:
            digest = sources.sha256(b"signed a moment before")
            await enter(tx, credentials.LOGGED, learner_id, award_id, content=b"signed a moment before")
    async with kept.db.writer() as tx:
        await credentials.erase(tx, [learner_id])
    for _ in range(2):
        async with kept.db.fresh_reader() as reader:
            assert await service.place_of(reader, digest) is None
        await kept.keep()
    assert (await kept.check()).found == []


async def test_the_application_cannot_change_the_log(kept: Ledger) -> None:
    for statement in (
        "update log_leaves set data = ''::bytea",
        "delete from log_leaves",
        "update log_checkpoints set note = ''",
        "delete from log_checkpoints",
        "update log_nodes set hash = ''::bytea",
        "delete from log_head",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with kept.db.writer() as tx:
                await tx.execute(statement)
    assert (await kept.check()).found == []


@pytest.mark.usefixtures("kept")
async def test_every_column_of_what_is_covered_is_covered(owner: asyncpg.Connection[Any]) -> None:
    """A column that a migration adds is in its room's `Source`, or is named here with the reason why not."""
    missed = []
    for table in sorted(set(tampering.COVERED) - {"log_nodes"}):
        rows, _ = tampering.COVERED[table]
        concerned = [source for source in app.LOGGED if re.search(rf"\b{table}\b", source.sql)]
        for name, kind in (await tampering.columns_of(owner, table)).items():
            change = tampering.CHANGES[kind][0].format(c=f'"{name}"', n=1)
            which = f'ctid = (select ctid from {table} where {rows} order by ("{name}" is null), ctid desc limit 1)'
            told = f'update {table} set "{name}" = {change} where {which} and "{name}" is distinct from ({change})'
            taken_back = owner.transaction()
            await taken_back.start()
            try:
                await owner.execute("set local session_replication_role = replica")
                if (await owner.execute(told)).endswith(" 0"):
                    continue  # every row of this test has nothing there
                # What the log covers of others' tables is looked at alone: the whole look is for its own.
                found = [row for source in concerned for row in await adopting.drift(owner, source)]
                if not found and not (await look(owner)).found:
                    missed.append(f"{table}.{name}")
            except asyncpg.PostgresError:
                continue  # a constraint holds it
            finally:
                await taken_back.rollback()
    assert missed == []


async def test_who_comes_while_another_process_begins_the_log_leaves_it_to_that(db: Database) -> None:
    async with db.writer() as first:
        assert (await sequencing.sequence(first, KEY, [])).note
        async with db.writer() as second:
            assert await sequencing.sequence(second, KEY, []) == sequencing.Step()
    async with db.writer() as third:
        assert await third.fetchval("select count(*) from log_checkpoints") == 1


async def test_of_two_who_change_a_thing_at_once_the_log_believes_the_one_who_came_last(
    kept: Ledger, make: Factory
) -> None:
    """A command has its number before it waits for what it changes; who began later may be done earlier."""
    async with kept.db.writer() as tx:
        organization = await make.organization(tx)
    async with kept.db.writer() as waits:
        await waits.execute("select pg_current_xact_id()")
        async with kept.db.writer() as overtakes:
            await standing.suspend(overtakes, SYSTEM, organization, "They are not who they said.")
        await standing.resume(waits, SYSTEM, organization)
    await kept.keep()
    assert (await kept.check()).found == []
