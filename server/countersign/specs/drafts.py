"""Drafts: what a school writes before it submits. Edited freely, seen by nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, Invalid, InvalidState, NotFound, Refusal, Refusals
from countersign.kit.ids import new_id, parse_public_id
from countersign.kit.staleness import next_change, require_unmodified, shown
from countersign.skills import service as skills
from countersign.specs import rules, versions
from countersign.specs.content import Content
from countersign.specs.reading import to_json
from countersign.specs.rules import Kind, School
from countersign.specs.tables import Spec, SpecDraft


@dataclass(frozen=True, slots=True)
class Create:
    """A new specification of the actor's school, with its first draft; `content` is JSON as `parse` reads it."""

    slug: str
    content: Mapping[str, Any]
    kind: Kind = Kind.BLOCK


@dataclass(frozen=True, slots=True)
class Created:
    """The new specification and its draft."""

    spec_id: UUID
    draft_id: UUID


async def create(tx: Tx, actor: Actor, command: Create) -> Created:
    """Make a specification and its first draft. What the content lacks stays a named gap.

    Raises NotAllowed; Invalid for the slug and for each wrong field; Conflict when the slug is taken.
    """
    access.require(actor, Permission.CREATE_SPEC)
    content = await read_content(tx, command.content)
    return await make(tx, organization_of(actor), command.slug, command.kind, content)


async def make(
    tx: Tx, organization_id: UUID, slug: str, kind: Kind, content: Content, listing_id: UUID | None = None
) -> Created:
    """Write a new specification and its draft for a school that the caller has authorized."""
    rules.require_slug(slug)
    spec = Spec(id=new_id(), organization_id=organization_id, slug=slug, kind=kind.value, created_at=await tx.now())
    try:
        async with tx.savepoint():
            await tx.insert(spec)
    except asyncpg.UniqueViolationError:
        raise Conflict(problem=f"The slug {slug} is taken; choose another one", path=("slug",)) from None
    draft_id = await _draft(tx, spec.id, organization_id, content, listing_id=listing_id)
    await tx.emit("spec.created", f"spec_{spec.id}")
    return Created(spec.id, draft_id)


async def _draft(
    tx: Tx,
    spec_id: UUID,
    organization_id: UUID,
    content: Content,
    *,
    base_version_id: UUID | None = None,
    listing_id: UUID | None = None,
) -> UUID:
    now = await tx.now()
    draft = SpecDraft(
        id=new_id(),
        spec_id=spec_id,
        organization_id=organization_id,
        base_version_id=base_version_id,
        listing_id=listing_id,
        content=to_json(content),
        gaps=await _gap_names(tx, organization_id, content),
        revision=1,
        created_at=now,
        updated_at=shown(now),
    )
    await tx.insert(draft)
    return draft.id


@dataclass(frozen=True, slots=True)
class EditDraft:
    """New content of a draft in the place of the whole old one; `seen` is its `updated_at` as the writer read it."""

    draft_id: UUID
    content: Mapping[str, Any]
    seen: datetime | None = None


async def edit_draft(tx: Tx, actor: Actor, command: EditDraft) -> UUID:
    """Replace a draft's content. Answers the draft's id.

    Raises NotAllowed; NotFound, also for another school's draft; Changed when somebody edited it since it
    was seen; Invalid for each wrong field; InvalidState when it was submitted.
    """
    draft = await own_draft(tx, actor, command.draft_id, Permission.EDIT_SPEC)
    require_unmodified(draft["updated_at"], command.seen, what="draft")
    content = await read_content(tx, command.content)
    await tx.execute(
        "update spec_drafts set content = $2, gaps = $3, revision = revision + 1, updated_at = $4 where id = $1",
        command.draft_id,
        to_json(content),
        await _gap_names(tx, draft["organization_id"], content),
        next_change(await tx.now(), draft["updated_at"]),
    )
    return command.draft_id


async def new_draft_from(tx: Tx, actor: Actor, version_id: UUID) -> UUID:
    """Begin the next version: a draft with the version's content. Answers the draft's id.

    Raises NotAllowed; NotFound for a version that the actor may not see.
    """
    version = await versions.own_version(tx, actor, version_id, Permission.EDIT_SPEC)
    return await _draft(
        tx,
        version.spec_id,
        version.organization_id,
        await versions.content_of(tx, version_id),
        base_version_id=version_id,
    )


async def read_content(tx: Tx, value: Mapping[str, Any]) -> Content:
    """Content from a client's JSON, where a skill may be given by its public `id` instead of its `uri`.

    Raises Refusals naming every wrong field, and every skill that is not known.
    """
    given = value.get("skills")
    entries = list(given) if isinstance(given, list | tuple) else []
    ids = {place: key for place, entry in enumerate(entries) if (key := _skill_id(entry)) is not None}
    known = await skills.by_id(tx, ids.values())
    missing: list[Refusal] = [
        NotFound(what="skill", path=("content", "skills", place, "id"))
        for place, key in ids.items()
        if key not in known
    ]
    if missing:
        raise Refusals(missing)
    for place, key in ids.items():
        entries[place] = {k: v for k, v in entries[place].items() if k != "id"} | {"uri": known[key].uri}
    content = rules.read_content({**value, "skills": entries} if entries else value)
    content, _ = await named(tx, content)
    return content


def _skill_id(entry: object) -> UUID | None:
    text = entry.get("id") if isinstance(entry, Mapping) else None
    found = parse_public_id(text) if isinstance(text, str) else None
    return found[1] if found is not None and found[0] == "skill" else None


async def named(tx: Tx, content: Content) -> tuple[Content, list[UUID]]:
    """The content with each aligned skill's name and framework as they are now, and the skills' ids.

    Raises Refusals naming every skill that is not known.
    """
    known = await skills.by_uri(tx, [skill.uri for skill in content.skills], content.language)
    unknown = [
        Invalid(
            problem=f"There is no skill {skill.uri}; look it up with skills(search:)", path=("content", "skills", n)
        )
        for n, skill in enumerate(content.skills)
        if skill.uri not in known
    ]
    if unknown:
        raise Refusals(list(unknown))
    named = tuple(
        replace(skill, name=known[skill.uri].name, framework=known[skill.uri].framework) for skill in content.skills
    )
    return replace(content, skills=named), [known[skill.uri].id for skill in content.skills]


async def own_draft(tx: Tx, actor: Actor, draft_id: UUID, permission: Permission) -> asyncpg.Record:
    """The school's own open draft, locked. Raises NotAllowed; NotFound, also for a foreign one; InvalidState."""
    access.require(actor, permission)
    draft = await tx.fetchrow(
        "select id, spec_id, organization_id, base_version_id, content, updated_at, version_id from spec_drafts"
        " where id = $1 for update",
        draft_id,
    )
    if draft is None:
        raise NotFound(what="draft", path=("draftId",))
    access.require(actor, permission, owner=draft["organization_id"], hidden="draft")
    if draft["version_id"] is not None:
        raise InvalidState(what="draft", state="submitted", verb="this", needed="open")
    return draft


def organization_of(actor: Actor) -> UUID:
    """The school that the actor acts for. Raises Invalid for the operator who names none."""
    if actor.organization_id is None:
        raise Invalid(problem="Say for which school the specification is made")
    return actor.organization_id


async def organization_row(tx: Tx, organization_id: UUID) -> asyncpg.Record:
    """Handle, names and country of a school."""
    row = await tx.fetchrow(
        "select handle, display_name, legal_name, country from organizations where id = $1", organization_id
    )
    if row is None:
        raise LookupError("a specification belongs to an organization")
    return row


async def _gap_names(tx: Tx, organization_id: UUID, content: Content) -> list[str]:
    row = await organization_row(tx, organization_id)
    return [gap.element.value for gap in rules.gaps(content, School(row["country"], row["legal_name"]))]
