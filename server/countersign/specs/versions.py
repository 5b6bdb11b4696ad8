"""Versions as they are read inside the service: frozen bytes, state, and who may see them before publication."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotFound
from countersign.specs.content import Content
from countersign.specs.reading import parse
from countersign.specs.rules import Kind, State


@dataclass(frozen=True, slots=True)
class FrozenVersion:
    """A version as other rooms need it, with its frozen bytes."""

    id: UUID
    spec_id: UUID
    organization_id: UUID
    school_handle: str
    school_name: str
    slug: str
    semver: str
    title: str
    kind: Kind
    state: State
    digest: str
    achievement: bytes
    spec_json: bytes


FROZEN = """
select v.id, v.spec_id, v.organization_id, o.handle as school_handle, o.display_name as school_name, s.slug, v.semver,
       v.title, s.kind, v.state, v.digest, v.achievement, v.spec_json
from spec_versions v join specs s on s.id = v.spec_id join organizations o on o.id = v.organization_id
"""


async def lock_version(tx: Tx, version_id: UUID, *, changing: bool = False) -> FrozenVersion | None:
    """The version, locked until the transaction ends, so that its state stands still; None when there is none.

    `changing` for who will change the state: then only one at a time holds it.
    """
    strength = "no key update" if changing else "share"
    return _frozen(await tx.fetchrow(f"{FROZEN} where v.id = $1 for {strength} of v", version_id))


async def frozen_version(tx: Tx, slug: str, semver: str) -> FrozenVersion | None:
    """A version that was published, for everybody; None for one that is missing or was never published."""
    row = await tx.fetchrow(
        f"{FROZEN} where s.slug = $1 and v.semver = $2 and v.state in ('published', 'deprecated', 'retired')",
        slug,
        semver,
    )
    return _frozen(row)


async def latest_version(tx: Tx, slug: str) -> FrozenVersion | None:
    """The version that stands for a specification now: the published one last published, else the last that was."""
    row = await tx.fetchrow(
        f"{FROZEN} where s.slug = $1 and v.state in ('published', 'deprecated', 'retired')"
        " order by v.state = 'published' desc, v.published_at desc, v.id desc limit 1",
        slug,
    )
    return _frozen(row)


async def readable(tx: Tx, version_id: UUID, organization_id: UUID | None) -> bool:
    """Whether an organization (None: the public) may read a version; foreign and missing are the same answer."""
    return bool(
        await tx.fetchval(
            "select exists (select from spec_versions v where v.id = $1"
            " and (v.state in ('published', 'deprecated', 'retired') or v.organization_id = $2"
            " or exists (select from spec_version_readers r"
            " where r.spec_version_id = v.id and r.organization_id = $2)))",
            version_id,
            organization_id,
        )
    )


async def content_of(tx: Tx, version_id: UUID) -> Content:
    """The content of a version. Raises NotFound."""
    content = await tx.fetchval("select content from spec_versions where id = $1", version_id)
    if content is None:
        raise NotFound(what="version")
    return parse(content)


async def own_version(tx: Tx, actor: Actor, version_id: UUID, permission: Permission) -> FrozenVersion:
    """The school's own version, locked for a change. Raises NotAllowed; NotFound for one that it may not see."""
    access.require(actor, permission)
    version = await lock_version(tx, version_id, changing=True)
    if version is None or not (actor.system or await readable(tx, version_id, actor.organization_id)):
        raise NotFound(what="version", path=("versionId",))
    access.require(actor, permission, owner=version.organization_id)
    return version


def _frozen(row: asyncpg.Record | None) -> FrozenVersion | None:
    if row is None:
        return None
    values = dict(row)
    return FrozenVersion(**(values | {"kind": Kind(row["kind"]), "state": State(row["state"])}))
