"""Every change × everybody: who may not is refused and nothing happens; `viewerCan` says beforehand who may."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, Final

import pytest

from countersign.kit.access import ANONYMOUS, Actor, OrganizationKind, Permission, Role, Scope
from countersign.kit.ids import new_id
from countersign.schema.base import Lock
from countersign.schema.promises import command_of
from tests.authority.policy import may
from tests.conftest import NOW
from tests.factories import Factory
from tests.mutations.stage import SCHEMA, Stage
from tests.mutations.table import TABLE
from tests.reads.toy import ask_data
from tests.reviews.support import everything

REFUSED: Final = {"NOT_ALLOWED", "NOT_FOUND", "UNAUTHENTICATED"}
IMPOSSIBLE: Final = REFUSED | {"INVALID_STATE", "CONFLICT", "CONFLICT_OF_INTEREST", "STALE_VERSION"}

OPEN: Final = {"endorseSpec", "proposeEndorsement"}
GUARDED: Final = {
    *("createSpecVersion", "requestReview", "openReviewCall", "issueAward", "startBulkImport"),
    *("startReview", "answerReviewComment", "replyToReviewComment", "suggestStatement"),
}
"""Of the changes that begin something, those that begin it from what is somebody's own; the others begin from what
everybody sees."""

# An ability, the change that it is about, what it is asked of on the stage, and the input that names it.
ABILITIES: Final[list[tuple[str, str, str, tuple[str, ...], str]]] = [
    ("SpecVersion", "publish", "publishSpec", ("submitted", "published", "deprecated"), "versionId"),
    ("SpecVersion", "deprecate", "deprecateSpec", ("published", "submitted", "deprecated"), "versionId"),
    ("SpecVersion", "retire", "retireSpec", ("deprecated", "submitted", "published"), "versionId"),
    ("SpecVersion", "withdraw", "withdrawSpec", ("submitted", "published", "deprecated"), "versionId"),
    ("SpecVersion", "createNext", "createSpecVersion", ("published",), "versionId"),
    ("SpecVersion", "requestReview", "requestReview", ("submitted", "deprecated"), "specVersionId"),
    ("SpecVersion", "endorse", "endorseSpec", ("published", "deprecated"), "specVersionId"),
    ("SpecVersion", "issueAward", "issueAward", ("published", "submitted"), "specVersionId"),
    ("SpecDraft", "edit", "editDraft", ("draft",), "draftId"),
    ("SpecDraft", "submit", "submitSpec", ("draft",), "draftId"),
    ("ReviewRequest", "claim", "claimReview", ("waiting",), "reviewRequestId"),
    ("ReviewRequest", "decide", "decideReview", ("claimed", "waiting"), "reviewRequestId"),
    ("ReviewRequest", "decline", "declineReview", ("waiting",), "reviewRequestId"),
    ("ReviewRequest", "cancel", "cancelReviewRequest", ("claimed",), "reviewRequestId"),
    ("ReviewRequest", "extend", "extendReviewRequest", ("claimed",), "reviewRequestId"),
    ("ReviewRequest", "giveBack", "giveBackReview", ("claimed", "waiting"), "reviewRequestId"),
    ("ReviewRequest", "inviteExpert", "inviteExpert", ("waiting", "given"), "reviewRequestId"),
    ("ChangeRequest", "decline", "declineChangeRequest", ("asked", "answered"), "changeRequestId"),
    ("ChangeRequest", "accept", "acceptChangeRequest", ("answered", "asked"), "changeRequestId"),
    ("ChangeRequest", "reopen", "reopenChangeRequest", ("answered", "asked"), "changeRequestId"),
    ("ChangeRequest", "withdraw", "withdrawChangeRequest", ("asked",), "changeRequestId"),
    ("Endorsement", "revoke", "revokeEndorsement", ("endorsement",), "endorsementId"),
    ("Endorsement", "renew", "renewEndorsement", ("paused",), "endorsementId"),
    ("Endorsement", "suspend", "suspendEndorsement", ("endorsement", "paused"), "endorsementId"),
    ("Endorsement", "resume", "resumeEndorsement", ("paused", "endorsement"), "endorsementId"),
    ("Endorsement", "hide", "hideEndorsement", ("endorsement", "hidden"), "endorsementId"),
    ("Endorsement", "show", "showEndorsement", ("hidden", "endorsement"), "endorsementId"),
    ("EndorsementProposal", "approve", "approveEndorsement", ("proposal",), "proposalId"),
    ("EndorsementProposal", "sign", "signEndorsement", ("proposal",), "proposalId"),
    ("EndorsementProposal", "refuse", "refuseEndorsement", ("proposal",), "proposalId"),
    ("EndorsementProposal", "withdraw", "withdrawEndorsementProposal", ("proposal",), "proposalId"),
    ("ReviewDraft", "edit", "editReview", ("writing",), "reviewDraftId"),
    ("ReviewDraft", "submit", "submitReview", ("writing",), "reviewDraftId"),
    ("ReviewDraft", "discard", "discardReview", ("writing",), "reviewDraftId"),
    ("ReviewComment", "answer", "answerReviewComment", ("remark", "met"), "reviewCommentId"),
    ("ReviewComment", "reply", "replyToReviewComment", ("remark", "met"), "reviewCommentId"),
    ("ReviewComment", "resolve", "resolveReviewComment", ("remark", "met"), "reviewCommentId"),
    ("ReviewComment", "reopen", "reopenReviewComment", ("met", "remark"), "reviewCommentId"),
    ("ReviewSuggestion", "accept", "acceptSuggestion", ("words",), "reviewSuggestionId"),
    ("ReviewSuggestion", "decline", "declineSuggestion", ("words",), "reviewSuggestionId"),
    ("ReviewCall", "close", "closeReviewCall", ("call",), "reviewCallId"),
    ("ReviewCall", "takePlace", "takeReviewPlace", ("call",), "reviewCallId"),
    ("StatementSuggestion", "withdraw", "withdrawStatementSuggestion", ("suggestion",), "suggestionId"),
    ("Pledge", "reserve", "reserveSeat", ("pledge",), "pledgeId"),
    ("Pledge", "withdraw", "withdrawPledge", ("pledge",), "pledgeId"),
    ("PledgeEntry", "redeem", "redeemSeat", ("reservation",), "reservationId"),
    ("PledgeEntry", "release", "releaseSeat", ("reservation",), "reservationId"),
    ("DriftAlarm", "acknowledge", "acknowledgeDriftAlarm", ("alarm",), "driftAlarmId"),
    ("DriftAlarm", "resolve", "resolveDriftAlarm", ("alarm",), "driftAlarmId"),
    ("ForeignEndorsement", "withdraw", "withdrawForeignEndorsement", ("foreign",), "foreignEndorsementId"),
    ("Award", "revoke", "revokeAward", ("award",), "awardId"),
    ("BulkOperation", "cancel", "cancelBulkOperation", ("bulk",), "bulkOperationId"),
]


async def crowd(stage: Stage, make: Factory) -> dict[str, Actor]:
    """Everybody: each role in each house, the same roles elsewhere, and who belongs nowhere."""
    async with stage.db.writer() as tx:
        school = await make.school(tx, Role.AUTHOR, Role.REGISTRAR, Role.ORG_ADMIN)
        employer = await make.employer(tx)
    found = {}
    for role in Role:
        found[f"{role.value} of the school"] = replace(stage.school, roles=frozenset({role}), person_id=new_id())
        found[f"{role.value} of the employer"] = replace(stage.employer, roles=frozenset({role}), person_id=new_id())
    return found | {
        "all roles of another school": replace(school, roles=frozenset(Role)),
        "all roles of another employer": replace(employer, roles=frozenset(Role)),
        "a token of the school without scopes": replace(stage.school, scopes=frozenset()),
        "a token of the employer without scopes": replace(stage.employer, scopes=frozenset()),
        "an outside expert of another employer": Actor(
            person_id=new_id(), token_id=new_id(), request_id=new_id(), guest_of=employer.organization_id
        ),
        "the learner": stage.learner,
        "another learner": Actor(learner_id=-7, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF})),
        "a session for nobody": Actor(
            person_id=new_id(), login_id=new_id(), scopes=frozenset(Scope), authenticated_at=NOW
        ),
        "nobody": ANONYMOUS,
    }


def codes(body: dict[str, Any], name: str) -> set[str]:
    """What an answer to a change refuses for; empty when it happened."""
    payload = (body.get("data") or {}).get(name)
    found = {error["extensions"]["code"] for error in body.get("errors", ())}
    return found | {error["code"] for error in (payload or {}).get("errors", ())}


def named(stage: Stage, given: dict[str, Any]) -> set[str]:
    """What an input names of the stage."""
    return {key for key, id_ in stage.ids.items() if id_ in given.values()}


def owner_of(stage: Stage, name: str) -> Actor:
    """Who does it in the table of changes."""
    return stage.actor(TABLE[name].actor)


async def test_every_change_is_refused_to_everybody_who_lacks_authority_and_nothing_happens(
    stage: Stage, make: Factory, capsys: pytest.CaptureFixture[str]
) -> None:
    actors = await crowd(stage, make)
    cells = 0
    before = await everything(stage.db)
    assert SCHEMA._schema.mutation_type is not None
    for name, definition in SCHEMA._schema.mutation_type.fields.items():
        command = command_of(definition)
        assert command is not None
        given = dict(TABLE[name].given(stage))
        ours = owner_of(stage, name).organization_id
        # What names no thing of somebody's is everybody's own to do, who has the authority.
        begins = command.lock is Lock.CREATES and name not in GUARDED
        theirs = not begins and name not in OPEN and bool(named(stage, given))
        for who, actor in actors.items():
            if may(actor, command.permission) and (actor.organization_id == ours or not theirs):
                continue
            found = codes(await stage.do(name, actor, **given, idempotencyKey=f"{name} {who}"), name)
            assert found, (name, who)
            assert found <= REFUSED, (name, who, found)
            cells += 1
    assert await everything(stage.db) == before
    with capsys.disabled():
        sys.stdout.write(f" {cells} refused changes, {len(actors)} actors ")


def permission_of(name: str) -> Permission:
    """What a change needs."""
    assert SCHEMA._schema.mutation_type is not None
    command = command_of(SCHEMA._schema.mutation_type.fields[name])
    assert command is not None
    return command.permission


async def can(stage: Stage, actor: Actor, type_name: str, key: str) -> dict[str, bool]:
    """What `viewerCan` says, all of it at once; nothing when the thing is not seen."""
    named_ = " ".join(ability for of_type, ability, *_ in ABILITIES if of_type == type_name)
    text = f"query ($id: ID!) {{ node(id: $id) {{ ... on {type_name} {{ viewerCan {{ {named_} }} }} }} }}"
    found = (await ask_data(stage.engine, text, actor, id=stage.ids[key]))["node"]
    return {} if found is None else dict(found["viewerCan"])


async def test_who_is_told_that_they_cannot_is_refused_and_who_can_is_told(stage: Stage, make: Factory) -> None:
    crowd_ = await crowd(stage, make)
    before = await everything(stage.db)
    asked = {(type_name, key) for type_name, _, _, keys, _ in ABILITIES for key in keys}
    able = {
        (who, type_name, key): await can(stage, actor, type_name, key)
        for who, actor in crowd_.items()
        for type_name, key in sorted(asked)
    }
    wrong: list[object] = []
    for type_name, ability, name, keys, field in ABILITIES:
        given, owner = dict(TABLE[name].given(stage)), owner_of(stage, name)
        permission = permission_of(name)
        for who, actor in crowd_.items():
            for key in keys:
                if able[who, type_name, key].get(ability):
                    assert may(actor, permission), (name, who)
                    assert name in OPEN or "another" not in who, (name, who)
                    continue
                given |= {field: stage.ids[key], "idempotencyKey": f"{ability} {who} {key}"}
                found = codes(await stage.do(name, actor, **given), name)
                assert found & IMPOSSIBLE, (name, who, key, found)
        # The first thing is what the table of changes does it to, and there it happens (tests/mutations).
        # In the states of the others nobody can, not even its owner.
        said = [(await can(stage, owner, type_name, key)).get(ability) for key in keys]
        wrong += [(type_name, ability, said)] if said != [True, *(False for _ in keys[1:])] else []
        assert TABLE[name].given(stage)[field] == stage.ids[keys[0]]
    assert wrong == []
    assert await everything(stage.db) == before


async def test_every_ability_is_tried() -> None:
    types = SCHEMA._schema.type_map
    declared = {
        (name.removesuffix("Abilities"), ability)
        for name, type_ in types.items()
        if name.endswith("Abilities") and name != "ViewerAbilities"
        for ability in getattr(type_, "fields", {})
    }
    assert declared == {(type_name, ability) for type_name, ability, *_ in ABILITIES}


def _viewers(ability: str) -> Permission:
    """What an ability of `viewer { can }` is about: the permission of its name, but for two."""
    other = {"endorse": Permission.SIGN_ENDORSEMENT, "issueAwards": Permission.ISSUE_AWARD}
    return other.get(ability) or Permission["".join(f"_{c}" if c.isupper() else c for c in ability).upper()]


async def test_every_change_that_somebody_may_make_is_told_by_an_ability() -> None:
    told = {_viewers(ability) for ability in getattr(SCHEMA._schema.type_map["ViewerAbilities"], "fields", {})}
    told |= {permission_of(name) for _, _, name, *_ in ABILITIES}
    assert {permission_of(name) for name in TABLE} <= told


async def test_what_a_viewer_can_is_what_the_policy_lets_them(stage: Stage, make: Factory) -> None:
    type_ = SCHEMA._schema.type_map["ViewerAbilities"]
    abilities = " ".join(getattr(type_, "fields", {}))
    for who, actor in (await crowd(stage, make)).items():
        viewer = (await ask_data(stage.engine, f"{{ viewer {{ can {{ {abilities} }} }} }}", actor))["viewer"]
        if viewer is None:
            assert who == "nobody"
            continue
        said = viewer["can"]
        assert said == {name: may(actor, _viewers(name)) for name in said}, who
        assert said["searchCandidates"] == (
            Role.RECRUITER in actor.roles
            and Scope.SEARCH_READ in actor.scopes
            and actor.organization_kind in {OrganizationKind.EMPLOYER, OrganizationKind.AGENCY}
        )
        assert said["setConsent"] == (actor.learner_id is not None)
        assert said["manageOrganization"] == (Role.ORG_ADMIN in actor.roles and bool(actor.scopes))
