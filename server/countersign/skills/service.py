"""Import skill files, add the product's own labels, look skills up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from countersign.kit import access, audit
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Reader, Tx
from countersign.kit.errors import NotFound
from countersign.kit.ids import new_id
from countersign.kit.importing import BadRows, ImportReport, Progress, RowProblem, refusal
from countersign.kit.patience import take_time
from countersign.skills import files, rules
from countersign.skills.files import SkillFile, Style
from countersign.skills.rules import Facts, Framework, Kind, Label, LabelKind, ReuseLevel, folded

BATCH = 2_000


async def import_skills(
    db: Database,
    actor: Actor,
    path: Path,
    style: Style | None = None,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    language: str = "en",
) -> ImportReport:
    """Import a skill file in one transaction, or refuse it whole; importing it again changes nothing.

    `style` None: told by the header. `language` (BCP 47) is that of the labels. `dry_run` reads, checks and counts
    and writes nothing. Raises NotAllowed for anybody but the operator, OSError when the file cannot be read.
    """
    access.require(actor, Permission.IMPORT)
    source = path.name
    data = await asyncio.to_thread(path.read_bytes)
    chosen = style or await asyncio.to_thread(files.tell_style, data) or Style.ESCO
    try:
        skill_file = await asyncio.to_thread(files.read, data, chosen, language)
        async with db.writer() as tx:
            await take_time(tx)
            return await store(tx, actor, skill_file, source=source, dry_run=dry_run, progress=progress)
    except BadRows as bad:
        return refusal(source, chosen.value, 0, bad.problems, dry_run=dry_run)


async def store(
    tx: Tx,
    actor: Actor,
    skill_file: SkillFile,
    *,
    source: str,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Write what a file says and the database does not know yet.

    Raises NotAllowed; BadRows for skills that belong to another framework (the caller undoes the transaction).
    """
    access.require(actor, Permission.IMPORT)
    framework_id = await _framework(tx, skill_file.framework, dry_run=dry_run)
    language = skill_file.skills[0][1].labels[0].language
    known = await _known(tx, [facts.uri for _, facts in skill_file.skills], language)
    foreign = [
        RowProblem(line, "uri", facts.uri, f"belongs to {known[facts.uri].framework}", "choose the right style")
        for line, facts in skill_file.skills
        if facts.uri in known and known[facts.uri].framework != skill_file.framework.handle
    ]
    if foreign:
        raise BadRows(foreign)
    created = [facts for _, facts in skill_file.skills if facts.uri not in known]
    updated = []
    for _, facts in skill_file.skills:
        before = known.get(facts.uri)
        if before is not None:
            after = rules.merged(before.facts, facts, skill_file.silent)
            if after != before.facts:
                updated.append((before.id, after))
    total = len(skill_file.skills)
    if not dry_run:
        await _create(tx, framework_id, created, progress, total)
        await _update(tx, updated, language)
        if created or updated:
            await tx.insert(
                audit.record(
                    actor,
                    "import_skills",
                    await tx.now(),
                    subject=f"framework_{framework_id}",
                    decision="done",
                    reason=f"{source}: {len(created)} created, {len(updated)} updated",
                )
            )
    if progress is not None:
        progress(total, total)
    return ImportReport(
        source=source,
        style=skill_file.style.value,
        rows=total,
        created=len(created),
        updated=len(updated),
        unchanged=total - len(created) - len(updated),
        dry_run=dry_run,
    )


async def _framework(tx: Tx, framework: Framework, *, dry_run: bool) -> UUID:
    if dry_run:
        known = await tx.fetchval("select id from skill_frameworks where handle = $1", framework.handle)
        return known or new_id()
    # The row is locked by its update, so that two imports into one framework follow one another.
    found: UUID = await tx.fetchval(
        """
        insert into skill_frameworks (id, handle, name, url, version, licence, attribution)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (handle) do update set name = excluded.name, url = excluded.url, version = excluded.version,
          licence = excluded.licence, attribution = excluded.attribution
        returning id
        """,
        new_id(),
        framework.handle,
        framework.name,
        framework.url,
        framework.version,
        framework.licence,
        framework.attribution,
    )
    return found


@dataclass(frozen=True, slots=True)
class _Known:
    id: UUID
    framework: str
    facts: Facts


async def _known(tx: Tx, uris: Sequence[str], language: str) -> dict[str, _Known]:
    rows = await tx.fetch(
        """
        select s.id, s.uri, s.kind, s.description, s.reuse_level, s.categories, s.keywords, s.occupations, s.hot,
               f.handle, coalesce(l.labels, '[]') as labels
        from skills s
        join skill_frameworks f on f.id = s.framework_id
        left join lateral (
          select jsonb_agg(jsonb_build_array(l.kind, l.text)) as labels
          from skill_labels l where l.skill_id = s.id and l.language = $2 and not l.product_made
        ) l on true
        where s.uri = any($1)
        """,
        uris,
        language,
    )
    return {
        row["uri"]: _Known(
            row["id"],
            row["handle"],
            Facts(
                uri=row["uri"],
                labels=tuple(sorted(Label(language, LabelKind(kind), text) for kind, text in row["labels"])),
                kind=Kind(row["kind"]) if row["kind"] else None,
                description=row["description"],
                reuse_level=ReuseLevel(row["reuse_level"]) if row["reuse_level"] else None,
                categories=tuple(row["categories"]),
                keywords=tuple(row["keywords"]),
                occupations=tuple(row["occupations"]),
                hot=row["hot"],
            ),
        )
        for row in rows
    }


COLUMNS = (
    "id",
    "framework_id",
    "uri",
    "name",
    "kind",
    "description",
    "reuse_level",
    "categories",
    "keywords",
    "occupations",
    "hot",
)
LABEL_COLUMNS = ("id", "skill_id", "language", "kind", "text", "folded", "product_made")


async def _create(tx: Tx, framework_id: UUID, created: Sequence[Facts], progress: Progress | None, total: int) -> None:
    for start in range(0, len(created), BATCH):
        batch = [(new_id(), facts) for facts in created[start : start + BATCH]]
        await tx.copy("skills", COLUMNS, [(key, framework_id, *_values(facts)) for key, facts in batch])
        await tx.copy("skill_labels", LABEL_COLUMNS, [row for key, facts in batch for row in _labels(key, facts)])
        if progress is not None:
            progress(start + len(batch), total)


async def _update(tx: Tx, updated: Sequence[tuple[UUID, Facts]], language: str) -> None:
    if not updated:
        return
    await tx.execute(
        """
        update skills s set name = case when $2 = 'en' then n.name else s.name end, kind = n.kind,
          description = n.description, reuse_level = n.reuse_level,
          categories = n.categories, keywords = n.keywords, occupations = n.occupations, hot = n.hot
        from jsonb_to_recordset($1::jsonb) n(id uuid, name text, kind text, description text, reuse_level text,
          categories text[], keywords text[], occupations text[], hot boolean)
        where s.id = n.id
        """,
        [dict(zip(("id", *COLUMNS[2:]), (str(key), *_values(facts)), strict=True)) for key, facts in updated],
        language,
    )
    labels = [row for key, facts in updated for row in _labels(key, facts)]
    # A framework's own word takes the place of ours where both say the same.
    await tx.execute(
        """
        delete from skill_labels l using unnest($1::uuid[]) n(skill_id)
        where l.skill_id = n.skill_id and l.language = $2 and (not l.product_made or exists (
          select from unnest($3::uuid[], $4::text[]) w(skill_id, folded)
          where w.skill_id = l.skill_id and w.folded = l.folded))
        """,
        [key for key, _ in updated],
        language,
        [row[1] for row in labels],
        [row[5] for row in labels],
    )
    await tx.copy("skill_labels", LABEL_COLUMNS, labels)


def _values(facts: Facts) -> tuple[object, ...]:
    return (
        facts.uri,
        facts.preferred,
        facts.kind,
        facts.description,
        facts.reuse_level,
        list(facts.categories),
        list(facts.keywords),
        list(facts.occupations),
        facts.hot,
    )


def _labels(skill_id: UUID, facts: Facts) -> list[tuple[Any, ...]]:
    return [
        (new_id(), skill_id, label.language, label.kind.value, label.text, folded(label.text), False)
        for label in facts.labels
    ]


@dataclass(frozen=True, slots=True)
class OwnLabel:
    """A name that this product gives to a framework's skill, by its URI."""

    uri: str
    label: Label


async def add_labels(tx: Tx, actor: Actor, labels: Iterable[OwnLabel]) -> int:
    """Add labels marked as the product's own; one that is there already is left alone. Answers how many are new.

    Raises NotAllowed; NotFound for a URI that no skill has.
    """
    access.require(actor, Permission.IMPORT)
    wanted = list(labels)
    skills = await by_uri(tx, [own.uri for own in wanted])
    for own in wanted:
        if own.uri not in skills:
            raise NotFound(what=f"skill {own.uri}", path=("uri",))
    return await tx.execute(
        """
        insert into skill_labels (id, skill_id, language, kind, text, folded, product_made)
        select n.*, true from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) n
        on conflict do nothing
        """,
        [new_id() for _ in wanted],
        [skills[own.uri].id for own in wanted],
        [own.label.language for own in wanted],
        [own.label.kind.value for own in wanted],
        [own.label.text for own in wanted],
        [folded(own.label.text) for own in wanted],
    )


@dataclass(frozen=True, slots=True)
class SkillName:
    """A skill as other rooms name it: id, address, the preferred label, and its framework's name."""

    id: UUID
    uri: str
    name: str
    framework: str


NAMES = """
select s.id, s.uri, f.name as framework, coalesce(l.text, s.name) as name
from skills s join skill_frameworks f on f.id = s.framework_id
left join lateral (
  select l.text from skill_labels l where l.skill_id = s.id and l.kind = 'preferred'
  order by l.language = $2 desc, l.language = 'en' desc, l.language limit 1
) l on true
where s.{key} = any($1)
"""


async def by_uri(reader: Reader, uris: Iterable[str], language: str = "en") -> Mapping[str, SkillName]:
    """The skills of these URIs, by URI, named in the language, else in English, else as they are."""
    rows = await reader.fetch(NAMES.format(key="uri"), list(set(uris)), language)
    return {row["uri"]: SkillName(row["id"], row["uri"], row["name"], row["framework"]) for row in rows}


async def by_id(reader: Reader, ids: Iterable[UUID], language: str = "en") -> Mapping[UUID, SkillName]:
    """The skills of these ids, by id, named in the language, else in English, else as they are."""
    rows = await reader.fetch(NAMES.format(key="id"), list(set(ids)), language)
    return {row["id"]: SkillName(row["id"], row["uri"], row["name"], row["framework"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Match:
    """A skill that a text may mean: by which label, and how alike (1 = the same text)."""

    skill_id: UUID
    uri: str
    label: str
    alike: float


FIND = """
select distinct on (m.alike, m.label, m.skill_id) m.* from (
  select distinct on (l.skill_id) l.skill_id, s.uri, l.text as label,
         case when l.folded = $1 then 1 else similarity(l.folded, $1)::float8 end as alike
  from skill_labels l join skills s on s.id = l.skill_id and s.retired_at is null
  where (l.folded = $1 or l.folded % $1) and ($2::text is null or l.language = $2)
  order by l.skill_id, 4 desc, l.kind desc, l.text
) m
order by m.alike desc, m.label, m.skill_id
limit $3
"""


async def find(reader: Reader, text: str, *, language: str | None = None, limit: int = 10) -> list[Match]:
    """Skills whose label or alias is the text, or is like it (trigram similarity ≥ 0.3), the most alike first."""
    rows = await reader.fetch(FIND, folded(text), language, limit)
    return [Match(row["skill_id"], row["uri"], row["label"], row["alike"]) for row in rows]
