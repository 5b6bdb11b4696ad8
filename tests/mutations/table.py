"""A minimal valid input for every mutation of the schema; one that is missing fails `test_every_mutation_is_tried`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from countersign.reviews.rubric import RUBRIC
from tests.mutations.stage import VOUCHED, Stage
from tests.specs.samples import COMPLETE

MADE: Final = "2026-11-22T12:00:00Z"  # the tests' clock
CLAIMED: Final = "2026-11-22T12:00:00.001Z"
FOREIGN: Final = (
    '{"@context": "https://w3id.org/openbadges/v2", "type": "Endorsement", "id": "https://example.org/1",'
    ' "claim": {"id": "https://example.org/2"}, "issuer": "https://example.org/3"}'
)
CONTENT: Final = {"title": COMPLETE["title"], "description": COMPLETE["description"]}
PERSON: Final = {"email": "new@example.com", "fullName": "New Person", "country": "DE"}


@dataclass(frozen=True)
class Row:
    """Who does it, with which input, and a change of that input which makes it another one."""

    actor: str
    given: Callable[[Stage], Mapping[str, Any]]
    other: Mapping[str, Any] = field(default_factory=dict)


def _decision(stage: Stage) -> Mapping[str, Any]:
    scores = [{"criterion": c.code, "value": 3, "evidence": "Seen in the brief"} for c in RUBRIC]
    request = {"reviewRequestId": stage.ids["claimed"], "interest": "NONE", "recommendation": "ENDORSE"}
    return request | {"scores": scores, "comment": "Matches how our team works."}


TABLE: Final[Mapping[str, Row]] = {
    "createSpec": Row("school", lambda _: {"slug": "brand-new", "content": CONTENT}, {"slug": "another"}),
    "editDraft": Row(
        "school",
        lambda s: {"draftId": s.ids["draft"], "content": CONTENT, "ifUnmodifiedSince": MADE},
        {"content": {"title": "Another"}},
    ),
    "submitSpec": Row(
        "school",
        lambda s: {"draftId": s.ids["draft"], "semver": "1.0.0", "ifUnmodifiedSince": MADE},
        {"semver": "2.0.0"},
    ),
    "publishSpec": Row("school", lambda s: {"versionId": s.ids["submitted"]}, {"versionId": "version_x"}),
    "deprecateSpec": Row("school", lambda s: {"versionId": s.ids["published"]}, {"versionId": "version_x"}),
    "retireSpec": Row("school", lambda s: {"versionId": s.ids["deprecated"]}, {"versionId": "version_x"}),
    "withdrawSpec": Row("school", lambda s: {"versionId": s.ids["submitted"]}, {"versionId": "version_x"}),
    "createSpecVersion": Row("school", lambda s: {"versionId": s.ids["published"]}, {"versionId": "version_x"}),
    "completeListing": Row("school", lambda s: {"listingId": s.ids["listing"]}, {"slug": "welding-well"}),
    "requestReview": Row(
        "school",
        lambda s: {"specVersionId": s.ids["submitted"], "organizationId": s.ids["agency"]},
        {"message": "Please"},
    ),
    "claimReview": Row("employer", lambda s: {"reviewRequestId": s.ids["waiting"]}, {"reviewRequestId": "rrq_x"}),
    "decideReview": Row("employer", _decision, {"comment": "Otherwise said."}),
    "declineReview": Row(
        "employer", lambda s: {"reviewRequestId": s.ids["waiting"], "reason": "Not our field"}, {"reason": "No"}
    ),
    "cancelReviewRequest": Row(
        "school",
        lambda s: {"reviewRequestId": s.ids["claimed"], "ifUnmodifiedSince": CLAIMED},
        {"ifUnmodifiedSince": MADE},
    ),
    "offerReviews": Row("employer", lambda _: {"sectors": ["EDUCATION"]}, {"sectors": ["FINANCE"]}),
    "openReviewCall": Row("school", lambda s: {"specVersionId": s.ids["submitted"]}, {"places": 2}),
    "closeReviewCall": Row(
        "school", lambda s: {"reviewCallId": s.ids["call"], "ifUnmodifiedSince": MADE}, {"reviewCallId": "rcl_x"}
    ),
    "takeReviewPlace": Row("employer", lambda s: {"reviewCallId": s.ids["call"]}, {"reviewCallId": "rcl_x"}),
    "extendReviewRequest": Row(
        "school",
        lambda s: {"reviewRequestId": s.ids["claimed"], "dueOn": "2026-12-31", "ifUnmodifiedSince": CLAIMED},
        {"dueOn": "2027-01-31"},
    ),
    "giveBackReview": Row("employer", lambda s: {"reviewRequestId": s.ids["claimed"]}, {"reviewRequestId": "rrq_x"}),
    "inviteExpert": Row("employer", lambda s: {"reviewRequestId": s.ids["waiting"]}, {"reviewRequestId": "rrq_x"}),
    "withdrawExpert": Row("employer", lambda s: {"expertId": s.ids["expert"]}, {"expertId": "xpt_x"}),
    "tickChangeRequest": Row(
        "school",
        lambda s: {"draftId": s.ids["answering"], "changeRequestId": s.ids["asked"], "answer": "ADDRESSED"},
        {"note": "Done"},
    ),
    "untickChangeRequest": Row(
        "school",
        lambda s: {"draftId": s.ids["answering"], "changeRequestId": s.ids["ticked"]},
        {"changeRequestId": "chg_x"},
    ),
    "declineChangeRequest": Row(
        "school", lambda s: {"changeRequestId": s.ids["asked"], "reason": "Not ours"}, {"reason": "No"}
    ),
    "acceptChangeRequest": Row(
        "employer", lambda s: {"changeRequestId": s.ids["answered"]}, {"changeRequestId": "chg_x"}
    ),
    "reopenChangeRequest": Row(
        "employer", lambda s: {"changeRequestId": s.ids["answered"], "reason": "Not enough"}, {"reason": "No"}
    ),
    "withdrawChangeRequest": Row("employer", lambda s: {"changeRequestId": s.ids["asked"]}, {"reason": "Enough"}),
    "startReview": Row(
        "employer", lambda s: {"reviewRequestId": s.ids["claimed"], "interest": "NONE"}, {"reviewRequestId": "rrq_x"}
    ),
    "declareInterest": Row(
        "employer",
        lambda s: {"reviewDraftId": s.ids["writing"], "interest": "DISCLOSED", "declaration": "My brother teaches"},
        {"declaration": "My sister teaches"},
    ),
    "viewReviewSection": Row(
        "employer", lambda s: {"reviewDraftId": s.ids["writing"], "section": "SKILLS"}, {"section": "QUALITY"}
    ),
    "editReview": Row(
        "employer",
        lambda s: {
            "reviewDraftId": s.ids["writing"],
            "comment": "Not yet.",
            "ifUnmodifiedSince": s.ids["written_at"],
        },
        {"comment": "Never."},
    ),
    "submitReview": Row(
        "employer",
        lambda s: {"reviewDraftId": s.ids["writing"], "ifUnmodifiedSince": s.ids["written_at"]},
        {"ifUnmodifiedSince": MADE},
    ),
    "discardReview": Row(
        "employer",
        lambda s: {"reviewDraftId": s.ids["writing"], "ifUnmodifiedSince": s.ids["written_at"]},
        {"ifUnmodifiedSince": MADE},
    ),
    "answerReviewComment": Row(
        "school", lambda s: {"reviewCommentId": s.ids["remark"], "body": "The board does."}, {"body": "Nobody."}
    ),
    "replyToReviewComment": Row(
        "employer", lambda s: {"reviewCommentId": s.ids["remark"], "body": "Which board?"}, {"body": "Who?"}
    ),
    "resolveReviewComment": Row(
        "employer", lambda s: {"reviewCommentId": s.ids["remark"]}, {"reviewCommentId": "rcm_x"}
    ),
    "reopenReviewComment": Row("employer", lambda s: {"reviewCommentId": s.ids["met"]}, {"reviewCommentId": "rcm_x"}),
    "acceptSuggestion": Row(
        "school", lambda s: {"reviewSuggestionId": s.ids["words"]}, {"reviewSuggestionId": "rsg_x"}
    ),
    "declineSuggestion": Row(
        "school", lambda s: {"reviewSuggestionId": s.ids["words"], "reason": "Four will do"}, {"reason": "No"}
    ),
    "publishRubric": Row(
        "employer",
        lambda s: {"title": "Ours", "criteria": [{"code": "R1"}, {"code": "R2"}], "previousId": s.ids["rubric"]},
        {"title": "Theirs"},
    ),
    "endorseSpec": Row(
        "employer",
        lambda s: {"specVersionId": s.ids["published"], "expectedDigest": s.digest, "statement": "We hire."},
        {"statement": "We might hire."},
    ),
    "reaffirmEndorsement": Row(
        "employer",
        lambda s: {
            "endorsementId": s.ids["sayable"],
            "specVersionId": s.ids["said_again"],
            "expectedDigest": s.ids["said_again_digest"],
        },
        {"validUntil": "2027-05-01T00:00:00Z"},
    ),
    "revokeEndorsement": Row(
        "employer", lambda s: {"endorsementId": s.ids["endorsement"], "reason": "Out of date"}, {"reason": "Other"}
    ),
    "renewEndorsement": Row(
        "employer",
        lambda s: {"endorsementId": s.ids["paused"], "expectedDigest": s.digest},
        {"statement": "We might hire."},
    ),
    "proposeEndorsement": Row(
        "employer",
        lambda s: {"specVersionId": s.ids["published"], "expectedDigest": s.digest, "statement": "We hire."},
        {"statement": "We might hire."},
    ),
    "approveEndorsement": Row("employer", lambda s: {"proposalId": s.ids["proposal"]}, {"proposalId": "prp_x"}),
    "signEndorsement": Row(
        "employer",
        lambda s: {"proposalId": s.ids["proposal"], "expectedDigest": s.ids["proposed digest"]},
        {"expectedDigest": "0" * 64},
    ),
    "refuseEndorsement": Row(
        "employer", lambda s: {"proposalId": s.ids["proposal"], "reason": "Not yet"}, {"reason": "Never"}
    ),
    "withdrawEndorsementProposal": Row(
        "employer", lambda s: {"proposalId": s.ids["proposal"]}, {"proposalId": "prp_x"}
    ),
    "suggestStatement": Row(
        "school",
        lambda s: {
            "specVersionId": s.ids["published"],
            "organizationId": s.ids["agency"],
            "statement": "You hire.",
        },
        {"statement": "You might hire."},
    ),
    "withdrawStatementSuggestion": Row(
        "school", lambda s: {"suggestionId": s.ids["suggestion"]}, {"suggestionId": "sug_x"}
    ),
    "hideEndorsement": Row("school", lambda s: {"endorsementId": s.ids["endorsement"]}, {"endorsementId": "end_x"}),
    "showEndorsement": Row("school", lambda s: {"endorsementId": s.ids["hidden"]}, {"endorsementId": "end_x"}),
    "reserveSeat": Row(
        "school", lambda s: {"pledgeId": s.ids["pledge"], "reference": "holder-2"}, {"reference": "holder-3"}
    ),
    "redeemSeat": Row("employer", lambda s: {"reservationId": s.ids["reservation"]}, {"reservationId": "ple_x"}),
    "releaseSeat": Row(
        "employer", lambda s: {"reservationId": s.ids["reservation"], "reason": "No budget"}, {"reason": "Other"}
    ),
    "withdrawPledge": Row(
        "employer", lambda s: {"pledgeId": s.ids["pledge"], "reason": "No more hiring"}, {"reason": "Other"}
    ),
    "acknowledgeDriftAlarm": Row("employer", lambda s: {"driftAlarmId": s.ids["alarm"]}, {"driftAlarmId": "drf_x"}),
    "resolveDriftAlarm": Row(
        "employer", lambda s: {"driftAlarmId": s.ids["alarm"], "note": "We moved to 3.13"}, {"note": "Other"}
    ),
    "announceAttachment": Row(
        "employer", lambda _: {"filename": "letter.pdf", "size": 1, "sha256": "0" * 64}, {"size": 2}
    ),
    "exportMyData": Row("learner", lambda _: {"credentials": True}, {"credentials": False}),
    "eraseMe": Row("learner", lambda _: {"confirmation": "Erase me for good"}, {"confirmation": "no"}),
    "createStack": Row(
        "school", lambda s: {"handle": "analyst", "title": "Analyst", "blockIds": [s.ids["spec"]]}, {"title": "Other"}
    ),
    "issueAward": Row(
        "school",
        lambda s: {"specVersionId": s.ids["published"], "earnedOn": "2026-10-01", **PERSON},
        {"fullName": "Other Person"},
    ),
    "revokeAward": Row("school", lambda s: {"awardId": s.ids["award"], "reason": "A mistake"}, {"reason": "Other"}),
    "createClaimLink": Row(
        "school",
        lambda s: {"awardId": s.ids["award"], "factor": {"kind": "BIRTH_YEAR", "value": "1998"}},
        {"factor": {"kind": "BIRTH_YEAR", "value": "1999"}},
    ),
    "claimAward": Row("claimant", lambda s: {"link": s.ids["claim"], "answer": "1001"}, {"answer": "1002"}),
    "correctResidence": Row("learner", lambda _: {"country": "KZ", "region": "KZ-ALA"}, {"region": None}),
    "changeEmail": Row("own", lambda _: {"email": VOUCHED}, {"email": "anna@other.example"}),
    "createUpload": Row("school", lambda _: {"format": "CSV", "size": 1, "sha256": "0" * 64}, {"size": 2}),
    "startBulkImport": Row("school", lambda s: {"uploadId": s.ids["upload"], "kind": "AWARDS"}, {"dryRun": True}),
    "startBulkExport": Row("school", lambda _: {"query": "{ skills { nodes { id } } }"}, {"format": "CSV"}),
    "cancelBulkOperation": Row("school", lambda s: {"bulkOperationId": s.ids["bulk"]}, {"bulkOperationId": "bulk_x"}),
    "addSigningKey": Row("school", lambda _: {}, {"motive": "Yearly"}),
    "retireSigningKey": Row("school", lambda s: {"signingKeyId": s.ids["key"]}, {"signingKeyId": "key_x"}),
    "markKeyCompromised": Row("school", lambda s: {"signingKeyId": s.ids["key"]}, {"signingKeyId": "key_x"}),
    "approve": Row("school", lambda s: {"approvalId": s.ids["approval"]}, {"approvalId": "apr_x"}),
    "reject": Row("school", lambda s: {"approvalId": s.ids["approval"], "reason": "Not now"}, {"reason": "Never"}),
    "suspendEndorsement": Row(
        "employer", lambda s: {"endorsementId": s.ids["endorsement"], "reason": "We look again"}, {"reason": "Other"}
    ),
    "resumeEndorsement": Row("employer", lambda s: {"endorsementId": s.ids["paused"]}, {"endorsementId": "end_x"}),
    "claimDomain": Row("school", lambda _: {"domain": "school.example"}, {"domain": "other.example"}),
    "verifyDomain": Row("school", lambda s: {"domainClaimId": s.ids["domain"]}, {"domainClaimId": "dom_x"}),
    "withdrawDomain": Row("school", lambda s: {"domainClaimId": s.ids["domain"]}, {"domainClaimId": "dom_x"}),
    "importForeignEndorsement": Row(
        "school",
        lambda s: {"specVersionId": s.ids["published"], "document": FOREIGN, "source": "A letter"},
        {"source": "Another letter"},
    ),
    "withdrawForeignEndorsement": Row(
        "school", lambda s: {"foreignEndorsementId": s.ids["foreign"]}, {"foreignEndorsementId": "fen_x"}
    ),
    "recheckForeignEndorsement": Row(
        "school", lambda s: {"foreignEndorsementId": s.ids["foreign"]}, {"foreignEndorsementId": "fen_x"}
    ),
    "publishQuorumPolicy": Row("school", lambda _: {"note": "Three for us.", "groups": 3}, {"groups": 4}),
    "declareOwnership": Row(
        "school", lambda s: {"organizationId": s.ids["agency"], "tie": "CONTROLS"}, {"tie": "CONTROLLED_BY"}
    ),
    "confirmOwnership": Row("school", lambda s: {"ownershipLinkId": s.ids["link"]}, {"ownershipLinkId": "lnk_x"}),
    "endOwnership": Row("school", lambda s: {"ownershipLinkId": s.ids["link"]}, {"ownershipLinkId": "lnk_x"}),
    "declareTool": Row("school", lambda _: {"name": "Lumen Studio"}, {"name": "Other"}),
    "withdrawTool": Row("school", lambda s: {"toolMakerId": s.ids["tool"]}, {"toolMakerId": "mak_x"}),
    "declareSponsorship": Row(
        "school",
        lambda s: {"organizationId": s.ids["agency"], "payment": "PAYS", "since": "2026-11-22"},
        {"payment": "IS_PAID"},
    ),
    "endSponsorship": Row("school", lambda s: {"sponsorshipId": s.ids["sponsorship"]}, {"sponsorshipId": "spo_x"}),
    "inviteMember": Row(
        "admin", lambda _: {"address": "somebody@example.com", "roles": ["AUTHOR"]}, {"address": "other@example.com"}
    ),
    "withdrawInvitation": Row("admin", lambda s: {"invitationId": s.ids["invitation"]}, {"invitationId": "x"}),
    "acceptInvitation": Row("newcomer", lambda s: {"invitation": s.ids["invited"]}, {"invitation": "csin_x"}),
    "changeMemberRoles": Row(
        "admin",
        lambda s: {"membershipId": s.ids["membership"], "roles": ["REGISTRAR"], "ifUnmodifiedSince": MADE},
        {"roles": ["AUDITOR"]},
    ),
    "limitSigningAuthority": Row(
        "house",
        lambda s: {
            "membershipId": s.ids["signatory"],
            "until": "2027-01-31T00:00:00Z",
            "ifUnmodifiedSince": MADE,
        },
        {"until": None},
    ),
    "endMembership": Row("admin", lambda s: {"membershipId": s.ids["membership"]}, {"membershipId": "membership_x"}),
    "createToken": Row("admin", lambda _: {"name": "Import", "scopes": ["AWARD_WRITE"]}, {"name": "Other"}),
    "rollToken": Row("admin", lambda s: {"tokenId": s.ids["token"]}, {"graceDays": 2}),
    "revokeToken": Row("admin", lambda s: {"tokenId": s.ids["token"]}, {"tokenId": "token_x"}),
    "markNotice": Row("employer", lambda s: {"noticeId": s.ids["notice"]}, {"read": False}),
    "markAllNoticesRead": Row("employer", lambda s: {"upToId": s.ids["notice"]}, {"upToId": "notice_x"}),
    "changeNoticeSettings": Row("employer", lambda _: {"language": "ru"}, {"language": "en"}),
    "setNoticeAddress": Row("admin", lambda _: {"address": "anna@school.example"}, {"address": "a@other.example"}),
    "removeNoticeAddress": Row("employer", lambda s: {"mailboxId": s.ids["mailbox"]}, {"mailboxId": "mailbox_x"}),
    "createWebhook": Row(
        "admin", lambda _: {"url": "https://hooks.school.example/", "kinds": ["REVIEWS"]}, {"kinds": ["ALARMS"]}
    ),
    "changeWebhook": Row(
        "admin",
        lambda s: {"webhookId": s.ids["webhook"], "enabled": False, "ifUnmodifiedSince": MADE},
        {"enabled": True},
    ),
    "rollWebhookSecret": Row("admin", lambda s: {"webhookId": s.ids["webhook"]}, {"graceDays": 2}),
    "removeWebhook": Row("admin", lambda s: {"webhookId": s.ids["webhook"]}, {"webhookId": "whk_x"}),
    "testWebhook": Row("admin", lambda s: {"webhookId": s.ids["webhook"]}, {"webhookId": "whk_x"}),
    "redeliverWebhook": Row("admin", lambda s: {"deliveryId": s.ids["delivery"]}, {"deliveryId": "msg_x"}),
    "setConsent": Row("learner", lambda _: {"purpose": "TALENT_SEARCH", "granted": True}, {"granted": False}),
}
