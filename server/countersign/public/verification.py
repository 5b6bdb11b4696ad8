"""Judge what somebody holds: gather what our own database publishes, then ask a worker. Nothing is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from countersign.kit.db import Tx
from countersign.public.answers import Tools
from countersign.specs import service as specs
from countersign.trust import service as trust
from countersign.trust.addresses import suspensions_beside
from countersign.trust.verify import Material
from countersign.trust.verify_findings import Report
from countersign.trust.verify_reading import Needs


@dataclass(frozen=True, slots=True)
class Judgement:
    """A report and the time at which it holds."""

    report: Report
    at: datetime


async def judge(tools: Tools, text: str) -> Judgement:
    """Verify a pasted text against what this installation publishes at this moment."""
    needs = await tools.signer.workers.needs(text)
    async with tools.db.writer() as tx:
        at = await tx.now()
        material = await gather(tx, tools, needs)
    return Judgement(await tools.signer.workers.verify(text, material, at), at)


async def gather(tx: Tx, tools: Tools, needs: Needs) -> Material:
    """Collect what is published here of what a document needs; the rest stays absent and is judged so."""
    addresses = tools.signer.addresses
    did_documents: dict[str, str] = {}
    standing: dict[str, str] = {}
    for did in needs.issuers:
        handle = addresses.handle(did)
        if handle is None:
            continue
        if (shown := await trust.did_document(tx, addresses, handle)) is not None:
            did_documents[did] = shown.body.decode()
        if (state := await trust.standing(tx, handle)) is not None:
            standing[did] = state
    status_lists: dict[str, str] = {}
    beside = [suspensions_beside(url) for url in needs.status_lists]
    for url in (*needs.status_lists, *(place for place in beside if place is not None)):
        named = addresses.read_status_list(url)
        listed = await trust.status_list(tx, tools.signer, *named) if named is not None else None
        if listed is not None:
            status_lists[url] = listed.body.decode()
    resources: dict[str, str] = {}
    for url in needs.resources:
        place = addresses.read_version(url)
        version = await specs.frozen_version(tx, place[0], place[1]) if place is not None else None
        if place is not None and version is not None:
            resources[url] = (version.spec_json if place[2] else version.achievement).decode()
    return Material(did_documents, status_lists, resources, standing)
