"""What a school does with a specification: write drafts, submit, publish, deprecate, retire, withdraw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, NotFound
from countersign.kit.events import publish as publish_event
from countersign.kit.ids import new_id
from countersign.kit.staleness import next_change, require_unmodified
from countersign.log.sources import Source, enter
from countersign.specs import comparing, drafts, freezing, rules
from countersign.specs.catalogue import CompleteListing, complete_listing, import_listings
from countersign.specs.comparing import difference
from countersign.specs.diff import Diff, differences
from countersign.specs.drafts import Create, Created, EditDraft, create, edit_draft, new_draft_from, own_draft
from countersign.specs.events import VersionPublished, VersionSubmitted
from countersign.specs.freezing import Identity
from countersign.specs.reading import parse, to_json
from countersign.specs.rules import Act, Kind, School, Semver, State
from countersign.specs.tables import SpecVersion, SpecVersionSkill
from countersign.specs.versions import (
    FrozenVersion,
    content_of,
    frozen_version,
    latest_version,
    lock_version,
    own_version,
    readable,
)
from countersign.trust.addresses import Addresses

__all__ = [
    "CompleteListing",
    "Create",
    "Created",
    "Diff",
    "EditDraft",
    "FrozenVersion",
    "Submit",
    "complete_listing",
    "content_of",
    "create",
    "deprecate",
    "difference",
    "edit_draft",
    "frozen_version",
    "import_listings",
    "latest_version",
    "let_read",
    "lock_version",
    "new_draft_from",
    "open_review",
    "own_draft",
    "publish",
    "readable",
    "retire",
    "submit",
    "withdraw",
]

STATE_DATES: Mapping[Act, str] = {
    Act.PUBLISH: "published_at",
    Act.DEPRECATE: "deprecated_at",
    Act.RETIRE: "retired_at",
    Act.WITHDRAW: "withdrawn_at",
}


@dataclass(frozen=True, slots=True)
class Submit:
    """Freeze a draft under a version number; `seen` is the draft's `updated_at` as the submitter read it."""

    draft_id: UUID
    semver: str
    seen: datetime | None = None


async def submit(tx: Tx, actor: Actor, command: Submit) -> UUID:
    """Freeze the draft into an immutable version with its two byte strings and digest. Answers the version's id.

    Of two submissions of one draft, or of one number, one wins. Raises NotAllowed; NotFound; InvalidState for a
    draft that was submitted; Changed for one that was edited since it was seen; Conflict for a number that is used or
    not greater; Required for title and description.
    """
    draft = await drafts.own_draft(tx, actor, command.draft_id, Permission.SUBMIT_SPEC)
    require_unmodified(draft["updated_at"], command.seen, what="draft")
    number = Semver.read(command.semver)
    now = await tx.now()
    # This update locks the specification, so that the numbers of two drafts are compared one after the other.
    spec = await tx.fetchrow(
        "update specs set revised_at = $2 where id = $1 returning id, slug, kind", draft["spec_id"], now
    )
    if spec is None:
        raise LookupError("a draft belongs to a specification")
    used = await tx.fetch("select semver from spec_versions where spec_id = $1", spec["id"])
    rules.require_next(number, [Semver.read(row["semver"]) for row in used])
    content, aligned = await drafts.named(tx, parse(draft["content"]))
    organization = await drafts.organization_row(tx, draft["organization_id"])
    found = rules.gaps(content, School(organization["country"], organization["legal_name"]))
    rules.require_submittable(found)
    previous = await _previous(tx, draft["base_version_id"], spec["id"])
    frozen = freezing.freeze(
        Addresses(await _origin(tx)),
        content,
        Identity(
            slug=spec["slug"],
            semver=str(number),
            kind=Kind(spec["kind"]),
            school_handle=organization["handle"],
            school_name=organization["display_name"],
            legal_name=organization["legal_name"],
            country=organization["country"],
            previous_semver=previous["semver"] if previous else None,
        ),
    )
    document = to_json(content)
    diff = differences(previous["content"], document) if previous else None
    version = SpecVersion(
        id=new_id(),
        spec_id=spec["id"],
        organization_id=draft["organization_id"],
        semver=str(number),
        ordinal=number.ordinal,
        content=document,
        achievement=frozen.achievement,
        spec_json=frozen.spec_json,
        digest=frozen.digest,
        gaps=[gap.element.value for gap in found],
        previous_id=previous["id"] if previous else None,
        change_class=diff.change_class.value if diff and diff.change_class else None,
        changed=list(diff.paths) if diff else [],
        state=State.SUBMITTED.value,
        submitted_at=now,
    )
    await tx.insert(version, *(SpecVersionSkill(spec_version_id=version.id, skill_id=skill) for skill in aligned))
    await comparing.compare_with_earlier(tx, version.id)
    await enter(tx, LOGGED, version.id, actor=actor, action="version.submitted")
    tx.noted["digest"] = frozen.digest
    await tx.execute(
        "update spec_drafts set version_id = $2, updated_at = $3 where id = $1",
        draft["id"],
        version.id,
        next_change(now, draft["updated_at"]),
    )
    await tx.emit("spec_version.submitted", f"version_{version.id}", digest=frozen.digest)
    await publish_event(tx, VersionSubmitted(draft["id"], version.id))
    return version.id


async def publish(tx: Tx, actor: Actor, version_id: UUID) -> UUID:
    """Publish a submitted version: the school's act, whoever endorsed it.

    Raises NotAllowed; NotFound; WrongState; Required for each mandatory element that is missing.
    """
    version = await own_version(tx, actor, version_id, Permission.PUBLISH_SPEC)
    rules.move(version.state, Act.PUBLISH)
    organization = await drafts.organization_row(tx, version.organization_id)
    school = School(organization["country"], organization["legal_name"])
    rules.require_complete(rules.gaps(await content_of(tx, version_id), school))
    await _move(tx, version, Act.PUBLISH)
    await publish_event(tx, VersionPublished(version.id))
    return version.id


async def deprecate(tx: Tx, actor: Actor, version_id: UUID) -> UUID:
    """Take no new learners; who is enrolled is taught out. Raises NotAllowed, NotFound, WrongState."""
    return await _move(tx, await own_version(tx, actor, version_id, Permission.PUBLISH_SPEC), Act.DEPRECATE)


async def retire(tx: Tx, actor: Actor, version_id: UUID) -> UUID:
    """Stop awarding a deprecated version; its awards stay valid. Raises NotAllowed, NotFound, WrongState."""
    return await _move(tx, await own_version(tx, actor, version_id, Permission.PUBLISH_SPEC), Act.RETIRE)


async def withdraw(tx: Tx, actor: Actor, version_id: UUID) -> UUID:
    """Take back a version before it is published; its number stays used. Raises NotAllowed, NotFound, WrongState."""
    return await _move(tx, await own_version(tx, actor, version_id, Permission.PUBLISH_SPEC), Act.WITHDRAW)


async def open_review(tx: Tx, version_id: UUID, reader: UUID | None = None) -> None:
    """Let an organization that was asked for a review read the version; a submitted one is now in review.

    For the reviews room, which has authorized the request. Raises NotFound, WrongState.
    """
    version = await lock_version(tx, version_id, changing=True)
    if version is None:
        raise NotFound(what="version")
    if reader is not None:
        await let_read(tx, version_id, reader)
    await _move(tx, version, Act.OPEN_REVIEW)


async def let_read(tx: Tx, version_id: UUID, *readers: UUID) -> None:
    """Let organizations read a version before it is published; for a room that has authorized it."""
    await tx.execute(
        "insert into spec_version_readers (spec_version_id, organization_id)"
        " select $1, reader from unnest($2::uuid[]) reader order by reader on conflict do nothing",
        version_id,
        list(readers),
    )


LOGGED: Final = Source(
    kind="version",
    subject="version_{0}",
    sql="""
        select 'version_' || v.id as subject, v.organization_id, row(
            v.id, v.spec_id, v.organization_id, v.semver, v.ordinal, v.content, v.achievement, v.spec_json, v.digest,
            v.gaps, v.previous_id, v.change_class, v.changed, v.state, v.submitted_at, v.published_at, v.deprecated_at,
            v.retired_at, v.withdrawn_at)::text as facts,
            case when v.published_at is not null then v.spec_json end as content
        from spec_versions v where true""",
    key="v.id = $1",
)
"""What the log covers of a version: all of it, from the day it was frozen; its bytes for everybody once published."""


async def _move(tx: Tx, version: FrozenVersion, act: Act) -> UUID:
    state = rules.move(version.state, act)
    if state is not version.state:
        dated = STATE_DATES.get(act)
        also = f", {dated} = $3" if dated else ""
        values = (version.id, state.value, await tx.now()) if dated else (version.id, state.value)
        await tx.execute(f"update spec_versions set state = $2{also} where id = $1", *values)
        await enter(tx, LOGGED, version.id, action=f"version.{state.value}")
        await tx.emit(f"spec_version.{state.value}", f"version_{version.id}", digest=version.digest)
    return version.id


async def _previous(tx: Tx, base_version_id: UUID | None, spec_id: UUID) -> asyncpg.Record | None:
    return await tx.fetchrow(
        "select id, semver, content from spec_versions where spec_id = $1 and state <> 'withdrawn'"
        " order by coalesce(id = $2, false) desc, ordinal desc limit 1",
        spec_id,
        base_version_id,
    )


async def _origin(tx: Tx) -> str:
    origin: str | None = await tx.fetchval("select value from installation where key = 'public_origin'")
    if origin is None:
        raise Conflict(problem="This installation has no public origin yet; set it before submitting")
    return origin
