"""Everything that the log covers, recomputed and compared: what is found is named, with its place."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from countersign.kit import audit
from countersign.kit.db import Reader
from countersign.log import adopting, rules
from countersign.log.rules_notes import Checkpoint, LogVerifier, NoteRefused, is_plain
from countersign.log.sequencing import EVENT, hashes, leaf_data, sealed_event
from countersign.log.sources import ERASED, Source

CHUNK: Final = 1_000
LATE: Final = timedelta(minutes=15)
"""How far behind its neighbours an event's time may be: no transaction is open for so long."""
SHOWN: Final = 1_000
"""Findings that are kept; the rest is counted."""

LEAVES: Final = f"""
select l.index, l.event_id, l.stream_key as stream, l.seq, l.previous, l.salt, l.content_salt, l.data, l.hash,
       e.id is not null as there, {EVENT}
from log_leaves l left join audit_events e on e.stream_key = l.stream_key and e.at = l.at and e.id = l.event_id
where l.index > $1 order by l.index limit $2
"""

OUTSIDE: Final = f"""
select {EVENT}, e.xact, case when e.xact is null then h.watermark = 0 else e.xact >= h.watermark end as fresh
from audit_events e, log_head h
where not exists (select from log_leaves l where l.event_id = e.id and l.stream_key = e.stream_key and l.at = e.at)
order by e.at, e.id
"""
"""Events that are in no leaf: those of the last seconds, and none else."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was recorded: where (`leaf 17`, `checkpoint 512`, `endorsement end_…`) and what."""

    where: str
    what: str


@dataclass(slots=True)
class Report:
    """What was looked at and what was found."""

    size: int = 0
    checkpoints: int = 0
    things: int = 0
    waiting: int = 0
    found: list[Finding] = field(default_factory=list)
    more: int = 0
    """Findings beyond those that are kept."""

    def add(self, where: str, what: str) -> None:
        """Note a finding."""
        if len(self.found) < SHOWN:
            self.found.append(Finding(where, what))
        else:
            self.more += 1


Progress = Callable[[int, int], None]


async def check(
    reader: Reader,
    verifier: LogVerifier,
    sources: Sequence[Source],
    *,
    seal: bytes | None,
    witnessed: Sequence[str] = (),
    played: bool = False,
    progress: Progress = lambda _done, _whole: None,
) -> Report:
    """Recompute the log of a database and compare: leaves, events, checkpoints, sources, and notes kept elsewhere.

    `seal` is the key of the events' seals (None: they are not looked at); `witnessed` are signed notes that somebody
    kept. `progress` is told how many leaves are done, and of how many. Give it one snapshot (a repeatable read).
    `played`: the events of a demo tell a history that was played, so their times are not looked at.
    """
    report = Report()
    roots: dict[int, set[bytes]] = {}
    kept = await _checkpoints(reader, verifier, report, roots)
    report.size = await reader.fetchval("select count(*) from log_leaves")
    await _check_head(reader, report, max(kept, default=0))
    for note in witnessed:
        _witness(report, verifier, note, roots)
    await _Leaves(reader, report, seal, kept, roots, played=played).check(progress)
    await _outside(reader, report, seal)
    await _forgotten(reader, report)
    await _nodes(reader, report)
    for source in sources:
        await _source(reader, report, source)
    return report


async def _check_head(reader: Reader, report: Report, signed: int) -> None:
    head = await reader.fetchval("select size from log_head")
    if head is None and (report.size or report.checkpoints):
        report.add("log head", "is missing")
    elif head is not None and not head == report.size == signed:
        what = f"says {head} leaves; {report.size} are there, and the newest good checkpoint covers {signed}"
        report.add("log head", what)


async def _checkpoints(
    reader: Reader, verifier: LogVerifier, report: Report, roots: dict[int, set[bytes]]
) -> dict[int, Checkpoint]:
    kept: dict[int, Checkpoint] = {}
    before = None
    for row in await reader.fetch("select number, size, note from log_checkpoints order by number"):
        where = f"checkpoint {row['size']}"
        report.checkpoints += 1
        if row["number"] != report.checkpoints or (before is not None and row["size"] <= before):
            report.add(where, "does not follow on the one before: one is missing")
        before = row["size"]
        try:
            checkpoint = verifier.open(row["note"])
        except NoteRefused as refused:
            report.add(where, str(refused))
            continue
        if not is_plain(row["note"]):
            report.add(where, "is more or less than its text and one signature")
        if checkpoint.size != row["size"]:
            report.add(where, f"is the signed note of size {checkpoint.size}")
            continue
        kept[checkpoint.size] = checkpoint
        roots.setdefault(checkpoint.size, set()).add(checkpoint.root)
    return kept


def _witness(report: Report, verifier: LogVerifier, note: str, roots: dict[int, set[bytes]]) -> None:
    try:
        checkpoint = verifier.open(note)
    except NoteRefused as refused:
        report.add("witness", str(refused))
        return
    roots.setdefault(checkpoint.size, set()).add(checkpoint.root)
    if checkpoint.size > report.size:
        report.add(f"witness {checkpoint.size}", f"the log was cut: only {report.size} leaves are left")


class _Leaves:
    """Goes through the leaves in order, and through the events that they are of."""

    def __init__(
        self,
        reader: Reader,
        report: Report,
        seal: bytes | None,
        kept: dict[int, Checkpoint],
        roots: dict[int, set[bytes]],
        *,
        played: bool,
    ) -> None:
        self._played = played
        self._reader = reader
        self._report = report
        self._seal = seal
        self._adopting = True  # events from before the log began have no seal, and stand first
        self._kept = kept
        self._roots = roots
        self._edge = rules.Edge()
        self._streams: dict[str, tuple[int, bytes | None]] = {}
        self._latest: datetime | None = None
        self._good = 0

    async def check(self, progress: Progress) -> None:
        """Compare every leaf, and every root on the way."""
        self._compare()
        expected = 0
        async for row in self._rows(progress):
            if row["index"] != expected:
                self._report.add(f"leaves {expected} to {row['index'] - 1}", "are missing")
            expected = row["index"] + 1
            self._leaf(row)
            self._edge.add(rules.leaf_hash(row["data"]), lambda _node, _root: None)
            self._compare()

    async def _rows(self, progress: Progress) -> AsyncIterator[asyncpg.Record]:
        last, done = -(1 << 63), 0
        while rows := await self._reader.fetch(LEAVES, last, CHUNK):
            for row in rows:
                yield row
            last, done = rows[-1]["index"], done + len(rows)
            progress(done, self._report.size)

    def _leaf(self, row: asyncpg.Record) -> None:
        where = f"leaf {row['index']}"
        if rules.leaf_hash(row["data"]) != row["hash"]:
            self._report.add(where, "its hash is not that of its data")
        seq, previous = self._streams.get(row["stream"], (0, None))
        self._streams[row["stream"]] = (row["seq"], hashlib.sha256(row["data"]).digest())
        if (row["seq"], row["previous"]) != (seq + 1, previous):
            self._report.add(where, f"does not follow on event {seq} of its stream")
        if not row["there"]:
            self._report.add(where, f"its event {row['event_id']} is gone")
            return
        event = sealed_event(row, row["seq"], row["previous"])
        same = _agrees(event, row)
        what = f"event {row['event_id']} ({row['action']}, {row['at']:%Y-%m-%d %H:%M:%S})"
        if not same:
            self._report.add(where, f"{what} is not what was recorded")
        if row["content"] is None and row["content_salt"] is not None:
            self._report.add(where, f"{what} has a salt and no content")
        self._sealed(where, what, row)
        if not self._played and self._latest is not None and row["at"] < self._latest - LATE:
            self._report.add(where, f"{what} is back-dated: the log had come to {self._latest:%Y-%m-%d %H:%M:%S}")
        self._latest = max(self._latest or row["at"], row["at"])

    def _sealed(self, where: str, what: str, row: asyncpg.Record) -> None:
        self._adopting = self._adopting and row["mac"] is None
        if self._seal is None or self._adopting:
            return
        if row["mac"] != audit.seal({name: row[name] for name in audit.SEALED}, self._seal):
            self._report.add(where, f"{what} was not written by this installation")

    def _compare(self) -> None:
        """Compare the root with what was signed, or kept elsewhere, for this size."""
        size = self._edge.size
        expected = self._roots.get(size)
        if expected is None:
            return
        root = self._edge.root()
        if expected == {root}:
            self._good = size
            return
        signed = self._kept.get(size)
        if signed is None or signed.root == root:
            self._report.add(f"witness {size}", "kept another root: the log was forked or written anew")
        else:
            self._report.add(f"checkpoint {size}", f"its root is not that of the leaves; last good at {self._good}")


def _agrees(event: dict[str, Any], row: asyncpg.Record) -> bool:
    """Whether an event makes the leaf that is kept of it."""
    forgotten = row["content"] is not None and row["content_salt"] is None
    try:
        made = leaf_data(event, row["salt"], row["content_salt"])
    except ValueError:  # what should be a digest is none
        return False
    return _without_content(made, row["data"]) if forgotten else bool(made == row["data"])


def _without_content(made: bytes, kept: bytes) -> bool:
    """Whether leaves agree but for the digest of what was signed, whose salt is forgotten."""
    start = kept.find(b'"content":"')
    return start >= 0 and made == kept[:start] + kept[start + len(b'"content":"') + 64 + len(b'",') :]


async def _outside(reader: Reader, report: Report, seal: bytes | None) -> None:
    for row in await reader.fetch(OUTSIDE):
        where = f"event {row['id']} ({row['action']}, {row['at']:%Y-%m-%d %H:%M:%S})"
        genuine = seal is None or row["mac"] == audit.seal({name: row[name] for name in audit.SEALED}, seal)
        if not row["fresh"]:
            report.add(where, "is in no leaf though it is old enough: it was put in, or its leaf was taken")
        elif not genuine and row["xact"] is not None:
            report.add(where, "was not written by this installation")
        else:
            report.waiting += 1


async def _forgotten(reader: Reader, report: Report) -> None:
    """Salts are forgotten of what is gone or erased, and of nothing else."""
    rows = await reader.fetch(
        "select distinct e.kind, e.object from log_leaves l join audit_events e on e.id = l.event_id"
        " where e.content is not null and l.content_salt is null and (select f.after from audit_events f"
        " where f.kind = e.kind and f.object = e.object order by f.at desc, f.id desc limit 1) is not null"
        " and not exists (select from audit_events f where f.kind = e.kind and f.object = e.object"
        " and f.action = f.kind || '.' || $1)",
        ERASED,
    )
    for row in rows:
        report.add(f"{row['kind']} {row['object']}", "the salt of its leaf was taken")


async def _nodes(reader: Reader, report: Report) -> None:
    """Compare the stored roots of tiles with what stands below them."""
    level, width = rules.TILE_HEIGHT, rules.TILE_WIDTH
    for row in await reader.fetch("select distinct level from log_nodes order by level"):
        if row["level"] % level or row["level"] < level or not report.size >> min(row["level"], 63):
            report.add(f"tiles of level {row['level']}", "there are no tiles of this level in a log of this size")
    while True:
        stored = {
            row["index"]: row["hash"]
            for row in await reader.fetch("select index, hash from log_nodes where level = $1", level)
        }
        full = report.size >> level
        if not full:
            return
        for index in sorted(stored.keys() | set(range(full))):
            if stored.get(index) != await _root_below(reader, level, index * width):
                report.add(f"tile {index} of level {level}", "its hash is not that of what stands below it")
        level += rules.TILE_HEIGHT


async def _root_below(reader: Reader, level: int, first: int) -> bytes | None:
    try:
        return rules.complete_root(await hashes(reader, level - rules.TILE_HEIGHT, first, first + rules.TILE_WIDTH))
    except LookupError:
        return None


async def _source(reader: Reader, report: Report, source: Source) -> None:
    report.things += await reader.fetchval(
        "select count(distinct object) from audit_events where kind = $1", source.kind
    )
    settled = not source.late or await adopting.is_settled(reader, source)
    for row in await adopting.drift(reader, source):
        if not settled:
            # It was there before the log covered such things, or a process of before wrote it: a look takes it in.
            report.waiting += 1
            continue
        if row["unsaid"]:
            what = "is not in the log: it was put in"
        elif row["gone"]:
            what = "is gone, which the log does not know of"
        else:
            what = "is not what the log says of it"
        report.add(f"{source.kind} {row['subject']}", what)
