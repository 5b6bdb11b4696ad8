"""DID documents, status lists, frozen versions and signed endorsements."""

from __future__ import annotations

import json
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from countersign.endorsements import service as endorsements
from countersign.public import answers
from countersign.specs import service as specs
from countersign.trust import service as trust
from countersign.trust.service import published


async def did_document(request: Request) -> Response:
    """The keys with which an organization signs (did:web)."""
    tools = answers.tools(request)
    async with tools.db.reader() as connection:
        found = await trust.did_document(connection, tools.signer.addresses, request.path_params["handle"])
    if found is None:
        return answers.absent()
    return answers.document(request, found, answers.LD_JSON, answers.MOVING_SECONDS)


async def status_list(request: Request) -> Response:
    """A signed status list with every revocation committed so far."""
    return await _status_list(request, trust.REVOCATION)


async def suspension_list(request: Request) -> Response:
    """A signed list of what is suspended now, beside the list of revocations with the same places."""
    return await _status_list(request, trust.SUSPENSION)


async def _status_list(request: Request, purpose: str) -> Response:
    tools = answers.tools(request)
    async with tools.db.writer() as tx:
        found = await trust.status_list(
            tx, tools.signer, request.path_params["handle"], purpose, request.path_params["number"]
        )
    if found is None:
        return answers.absent()
    return answers.document(request, found, answers.LD_JSON, answers.MOVING_SECONDS)


async def achievement(request: Request) -> Response:
    """The frozen Open Badges Achievement of a published version, byte for byte."""
    version = await _version(request)
    if version is None:
        return answers.absent()
    return answers.document(request, published(version.achievement), answers.LD_JSON, answers.FROZEN_SECONDS)


async def spec_json(request: Request) -> Response:
    """The frozen `spec.json` of a published version, byte for byte; its SHA-256 is the version's digest."""
    version = await _version(request)
    if version is None:
        return answers.absent()
    return answers.document(request, published(version.spec_json), answers.JSON, answers.FROZEN_SECONDS)


async def version_endorsements(request: Request) -> Response:
    """The endorsements of a published version that are in force now, each as it was signed."""
    tools = answers.tools(request)
    slug, semver = request.path_params["slug"], request.path_params["semver"]
    async with tools.db.writer() as tx:
        version = await specs.frozen_version(tx, slug, semver)
        signed = [] if version is None else await endorsements.signed_for_version(tx, slug, semver)
    if version is None:
        return answers.absent()
    head = {"version": tools.signer.addresses.version(slug, semver), "digest": version.digest}
    body = json.dumps(head).encode()[:-1] + b', "endorsements": [' + b",".join(signed) + b"]}"
    return answers.document(request, published(body), answers.JSON, answers.MOVING_SECONDS)


async def endorsement(request: Request) -> Response:
    """A signed endorsement, verbatim, whatever became of it: its status list says whether it still stands."""
    endorsement_id: UUID = request.path_params["id"]
    async with answers.tools(request).db.writer() as tx:
        signed = await endorsements.signed_endorsement(tx, endorsement_id)
    if signed is None:
        return answers.absent()
    return answers.document(request, published(signed), answers.credential_type(request), answers.FROZEN_SECONDS)


async def _version(request: Request) -> specs.FrozenVersion | None:
    async with answers.tools(request).db.writer() as tx:
        return await specs.frozen_version(tx, request.path_params["slug"], request.path_params["semver"])
