"""What the caller may do with a thing: by the same policy and the same state machines as the changes themselves."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final

from countersign.awards.rules import REVOCABLE
from countersign.bulk import rules as bulk
from countersign.endorsements import rules as endorsements
from countersign.endorsements.views import ENDORSEMENT, HIDDEN
from countersign.kit.access import Permission
from countersign.kit.sight import WITH_PARENT
from countersign.kit.view import View
from countersign.reads.bind import bound, column, one
from countersign.reviews import rules as reviews
from countersign.reviews.views import REVIEW_REQUEST
from countersign.specs import rules as specs

ABILITIES: Final = View(tag="abilities", source="", seen=(WITH_PARENT,))
MINE: Final = "{t}.organization_id = {actor_organization}"
HINT: Final = (
    "What you may do with it now, by your authority and its state. A change may still be refused for what it says, "
    "for a conflict of interest, or because it asks you to sign in again."
)


def may(permission: Permission, when: str = "true", *, description: str) -> Any:
    """Whether the caller holds a permission and `when` (SQL over `{t}`) is so."""
    return column(
        sql=f"('{permission.value}' = any({{actor_permissions}}) and {when}) is true", description=description
    )


def viewer_can() -> Any:
    """The field `viewerCan` of a thing, annotated with its abilities."""
    return one(description=HINT)


def _in(state: str, states: Iterable[Enum]) -> str:
    names = ", ".join(sorted(f"'{each.value}'" for each in states))
    return f"{state} in ({names})"


def _allowing(act: object, moves: Mapping[Any, object]) -> list[Enum]:
    """The states from which a state machine lets the act."""
    return [state for state, possible in moves if possible is act]


def _version(*acts: specs.Act) -> str:
    states = {state for act in acts for state in _allowing(act, specs.TRANSITIONS)}
    return f"{MINE} and {_in('{t}.state', states)}"


_REQUEST: Final = f"({REVIEW_REQUEST.column('state')})"
_STANDING: Final = f"({ENDORSEMENT.column('state')})"
_HIDDEN: Final = HIDDEN.format(e="{t}")
_OF_OWN_VERSION: Final = (
    "({t}.in_force is not null and exists (select from spec_versions v where v.id = {t}.spec_version_id"
    " and v.organization_id = {actor_organization}))"
)
_ASKED: Final = f"{MINE} and {_REQUEST}"
_LEASED: Final = "{t}.claimed_by = {actor_person} and {t}.claimed_until > {now}"
_NOT_WRITING: Final = (
    "not exists (select from review_drafts d where d.request_id = {t}.id and d.reviewer_id = {actor_person}"
    " and d.state = 'draft')"
)
_FREE: Final = "({t}.state = 'open' or {t}.claimed_until <= {now} or {t}.claimed_by = {actor_person})"
_ENDORSABLE: Final = _in("{t}.state", (state for state in specs.State if specs.endorsable(state)))
_AWARDABLE: Final = _in("{t}.state", (state for state in specs.State if specs.awardable(state)))
_CANCELLABLE: Final = _in("{t}.state", (bulk.State.QUEUED, bulk.State.RUNNING, bulk.State.CANCELING))


@bound(ABILITIES, description="What you may do with a version.")
class SpecVersionAbilities:
    """What the caller may do with a version."""

    publish: bool = may(Permission.PUBLISH_SPEC, _version(specs.Act.PUBLISH), description="Publish it.")
    deprecate: bool = may(Permission.PUBLISH_SPEC, _version(specs.Act.DEPRECATE), description="Take no new learners.")
    retire: bool = may(Permission.PUBLISH_SPEC, _version(specs.Act.RETIRE), description="Offer it no more.")
    withdraw: bool = may(
        Permission.PUBLISH_SPEC, _version(specs.Act.WITHDRAW), description="Take it back before it is published."
    )
    create_next: bool = may(Permission.EDIT_SPEC, MINE, description="Begin the next version from it.")
    request_review: bool = may(
        Permission.REQUEST_REVIEW, _version(specs.Act.OPEN_REVIEW), description="Ask somebody to review it."
    )
    endorse: bool = may(
        Permission.SIGN_ENDORSEMENT, f"not {MINE} and {_ENDORSABLE}", description="Endorse it for your organization."
    )
    issue_award: bool = may(Permission.ISSUE_AWARD, f"{MINE} and {_AWARDABLE}", description="Award it to a learner.")


@bound(ABILITIES, description="What you may do with a draft.")
class SpecDraftAbilities:
    """What the caller may do with a draft."""

    edit: bool = may(Permission.EDIT_SPEC, f"{MINE} and {{t}}.version_id is null", description="Change it.")
    submit: bool = may(Permission.SUBMIT_SPEC, f"{MINE} and {{t}}.version_id is null", description="Freeze it.")


@bound(ABILITIES, description="What you may do with a review request.")
class ReviewRequestAbilities:
    """What the caller may do with a review request."""

    claim: bool = may(
        Permission.REVIEW,
        f"{_in(_ASKED, _allowing(reviews.Act.CLAIM, reviews.MOVES))} and {_FREE}",
        description="Take it, or extend your time.",
    )
    decide: bool = may(
        Permission.WRITE_REVIEW,
        f"({MINE} or {{t}}.id = {{actor_request}})"
        f" and {_in(_REQUEST, _allowing(reviews.Act.DECIDE, reviews.MOVES))} and {_LEASED} and {_NOT_WRITING}",
        description="Review in one go, or begin to write (`startReview`): it is yours, your time runs, and you have not"
        " begun to write.",
    )
    decline: bool = may(
        Permission.REVIEW,
        f"{_in(_ASKED, _allowing(reviews.Act.DECLINE, reviews.MOVES))} and {_FREE}",
        description="Decline to review.",
    )
    cancel: bool = may(
        Permission.REQUEST_REVIEW,
        f"{{t}}.school_id = {{actor_organization}} and {_in(_REQUEST, _allowing(reviews.Act.CANCEL, reviews.MOVES))}",
        description="Take it back.",
    )
    extend: bool = may(
        Permission.REQUEST_REVIEW,
        f"{{t}}.school_id = {{actor_organization}} and {_in(_REQUEST, _allowing(reviews.Act.EXPIRE, reviews.MOVES))}",
        description="Give it more time.",
    )
    give_back: bool = may(
        Permission.REVIEW,
        f"{_in(_ASKED, _allowing(reviews.Act.RETURN, reviews.MOVES))} and {_LEASED}",
        description="Give your claim back.",
    )
    invite_expert: bool = may(
        Permission.REVIEW,
        f"{_in(_ASKED, _allowing(reviews.Act.CLAIM, reviews.MOVES))} and {_FREE}",
        description="Have an outside expert write the review.",
    )


@bound(ABILITIES, description="What you may do with an endorsement.")
class EndorsementAbilities:
    """What the caller may do with an endorsement."""

    renew: bool = may(
        Permission.SIGN_ENDORSEMENT,
        f"{MINE} and {_in(_STANDING, _allowing(endorsements.Act.RENEW, endorsements.MOVES))}",
        description="Say it anew, before its time is over or after.",
    )
    suspend: bool = may(
        Permission.REVOKE_ENDORSEMENT,
        f"{MINE} and {_in(_STANDING, _allowing(endorsements.Act.SUSPEND, endorsements.MOVES))}",
        description="Pause it.",
    )
    resume: bool = may(
        Permission.REVOKE_ENDORSEMENT,
        f"{MINE} and {_in(_STANDING, _allowing(endorsements.Act.RESUME, endorsements.MOVES))}",
        description="End its pause.",
    )
    hide: bool = may(
        Permission.DISPLAY_ENDORSEMENT, f"{_OF_OWN_VERSION} and not {_HIDDEN}", description="Leave it out of your page."
    )
    show: bool = may(
        Permission.DISPLAY_ENDORSEMENT, f"{_OF_OWN_VERSION} and {_HIDDEN}", description="Show it on your page again."
    )
    revoke: bool = may(
        Permission.REVOKE_ENDORSEMENT,
        f"{MINE} and {_in(_STANDING, _allowing(endorsements.Act.REVOKE, endorsements.MOVES))}",
        description="Take it back, at once and for everyone.",
    )


@bound(ABILITIES, description="What you may do with a proposal of an endorsement.")
class EndorsementProposalAbilities:
    """What the caller may do with a proposal."""

    approve: bool = may(
        Permission.SIGN_ENDORSEMENT,
        f"{MINE} and {_in('{t}.state', _allowing(endorsements.Act.APPROVE, endorsements.MOVES))}",
        description="Approve it.",
    )
    sign: bool = may(
        Permission.SIGN_ENDORSEMENT,
        f"{MINE} and {_in('{t}.state', (endorsements.State.PROPOSED, endorsements.State.APPROVED))}",
        description="Sign it; where four eyes are asked for, not if you proposed it or reviewed the version.",
    )
    refuse: bool = may(
        Permission.SIGN_ENDORSEMENT,
        f"{MINE} and {_in('{t}.state', (endorsements.State.PROPOSED, endorsements.State.APPROVED))}",
        description="Refuse it.",
    )
    withdraw: bool = may(
        Permission.PROPOSE_ENDORSEMENT,
        f"{MINE} and {{t}}.proposed_by = {{actor_person}}"
        f" and {_in('{t}.state', _allowing(endorsements.Act.WITHDRAW, endorsements.MOVES))}",
        description="Take it back.",
    )


@bound(ABILITIES, description="What you may do with an award.")
class AwardAbilities:
    """What the caller may do with an award."""

    revoke: bool = may(
        Permission.REVOKE_AWARD, f"{MINE} and {_in('{t}.state', REVOCABLE)}", description="Revoke it, for good."
    )


@bound(ABILITIES, description="What you may do with a bulk operation.")
class BulkOperationAbilities:
    """What the caller may do with a bulk operation."""

    cancel: bool = may(
        Permission.CANCEL_BULK,
        f"{MINE} and {_CANCELLABLE} and {{t}}.permissions <@ {{actor_permissions}}",
        description="Stop it.",
    )


@bound(ABILITIES, description="What you may do for whom you act, whatever it is done to.")
class ViewerAbilities:
    """What the caller may do."""

    create_spec: bool = may(Permission.CREATE_SPEC, description="Begin a credential, from nothing or from a listing.")
    create_stack: bool = may(Permission.CREATE_STACK, description="Make a stack.")
    review: bool = may(Permission.REVIEW, description="Review what your organization is asked to.")
    endorse: bool = may(Permission.SIGN_ENDORSEMENT, description="Endorse for your organization.")
    issue_awards: bool = may(Permission.ISSUE_AWARD, description="Award, one by one or by a file.")
    search_candidates: bool = may(Permission.SEARCH_CANDIDATES, description="Search candidates.")
    export: bool = may(Permission.EXPORT, description="Take a whole list out as a file.")
    manage_organization: bool = may(Permission.MANAGE_ORGANIZATION, description="Run your organization's account.")
    set_consent: bool = may(Permission.SET_CONSENT, description="Say who may find you, and for what.")
    publish_policy: bool = may(
        Permission.PUBLISH_POLICY, description="Publish what your specs need to be co-validated."
    )
    request_review: bool = may(Permission.REQUEST_REVIEW, description="Ask others to review your versions.")
    import_endorsement: bool = may(
        Permission.IMPORT_ENDORSEMENT, description="Bring endorsements that were made elsewhere."
    )
    offer_reviews: bool = may(Permission.OFFER_REVIEWS, description="Say what your organization offers to review.")
    publish_rubric: bool = may(Permission.PUBLISH_RUBRIC, description="Publish a rubric of your organization's own.")
    propose_endorsement: bool = may(
        Permission.PROPOSE_ENDORSEMENT, description="Propose an endorsement to a signatory."
    )
    attach: bool = may(Permission.ATTACH, description="Announce files behind an endorsement.")
    create_token: bool = may(Permission.CREATE_TOKEN, description="Make tokens that hold no more than you do.")
    read_members: bool = may(Permission.READ_MEMBERS, description="See who the members of your organization are.")
    end_membership: bool = may(Permission.END_MEMBERSHIP, description="Leave; an admin may end what others hold too.")
    revoke_token: bool = may(Permission.REVOKE_TOKEN, description="End your tokens; an admin those of others too.")
    manage_notices: bool = may(Permission.MANAGE_NOTICES, description="Read your inbox and say what you want told.")
    set_notice_address: bool = may(Permission.SET_NOTICE_ADDRESS, description="Have notices sent to an address.")
    manage_members: bool = may(Permission.MANAGE_MEMBERS, description="Invite members and change their roles.")
    manage_keys: bool = may(
        Permission.MANAGE_KEYS,
        description="Propose a new signing key, or that one is compromised; a second admin agrees.",
    )
    approve: bool = may(Permission.APPROVE, description="Be the second person for what another has proposed.")
    manage_webhooks: bool = may(Permission.MANAGE_WEBHOOKS, description="Have events sent to an address of yours.")
    read_audit: bool = may(Permission.READ_AUDIT, description="Read what your organization's people and tokens did.")
    claim_award: bool = may(Permission.CLAIM_AWARD, description="Claim an award with its link.")
    accept_invitation: bool = may(Permission.ACCEPT_INVITATION, description="Become a member by an invitation.")
    correct_residence: bool = may(Permission.CORRECT_RESIDENCE, description="Correct where you live.")
    change_email: bool = may(Permission.CHANGE_EMAIL, description="Change your address.")
    export_my_data: bool = may(Permission.EXPORT_MY_DATA, description="Take a copy of everything that is kept of you.")
    erase_me: bool = may(Permission.ERASE_ME, description="Have yourself erased.")
