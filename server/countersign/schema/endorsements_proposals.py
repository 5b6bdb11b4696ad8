"""What an organization might say, before it is signed; and the words that a school suggests, which are not its own."""

import enum
from collections.abc import Mapping
from datetime import datetime

import strawberry

from countersign.endorsements import proposals, suggestions
from countersign.endorsements.proposal_views import PROPOSAL, PROPOSED_EVIDENCE, SUGGESTION
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import arg, bound, column, connection, entity, find, many, one
from countersign.reads.orders import Order, Orders
from countersign.schema.abilities import EndorsementProposalAbilities, viewer_can
from countersign.schema.abilities_backing import StatementSuggestionAbilities
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.endorsements import (
    ENDORSING,
    KNOWN_LATER,
    Endorsement,
    WordInput,
    known_later,
    read_word,
    settle,
)
from countersign.schema.evidence import EvidenceKind
from countersign.schema.organizations import Organization
from countersign.schema.problems import ConflictOfInterestError, StaleVersionError, StepUpRequiredError
from countersign.schema.scalars import Markdown
from countersign.schema.specs import SpecVersion


@strawberry.enum(description="Where a proposal stands.")
class EndorsementProposalState(enum.Enum):
    """Where a proposal stands."""

    PROPOSED = strawberry.enum_value("proposed", description="It waits for somebody with signing authority.")
    APPROVED = strawberry.enum_value("approved", description="It is approved and waits to be signed.")
    SIGNING = strawberry.enum_value("signing", description="It was taken to be signed; the endorsement says the rest.")
    REFUSED = strawberry.enum_value("refused", description="It was refused, for the reason that is kept.")
    WITHDRAWN = strawberry.enum_value("withdrawn", description="Who proposed it took it back.")


@bound(PROPOSED_EVIDENCE, description="One piece of industry validation that a proposal puts behind the word.")
class ProposedEvidence:
    """One piece of evidence of a proposal."""

    number: int = column(description="Its place in the proposal, from 1.")
    kind: EvidenceKind = column(description="What kind it is.")
    narrative: str = column(description="What it says in one sentence; this text will be signed.")


@bound(PROPOSAL, description="What your organization might say of a version; nobody else sees it before it is signed.")
class EndorsementProposal(Node):
    """What an organization might say of a version."""

    state: EndorsementProposalState = column(description="Where it stands.")
    statement: Markdown = column(description="What the endorsement would say; other words are another proposal.")
    digest: str = column(description="The digest of the version that was proposed for.")
    outcome_keys: list[str] | None = column(
        description="The learning outcomes that it is about, by their keys; null for the whole specification."
    )
    valid_until: datetime | None = column(description="Until when it would be valid; null for 12 months from signing.")
    proposed_at: datetime = column(description="When it was proposed.")
    approved_at: datetime | None = column(description="When it was approved.")
    closed_at: datetime | None = column(description="When it was signed, refused or withdrawn.")
    refusal: str | None = column(description="Why it was refused.")
    mine: bool = column(description="Whether you proposed it. Where four eyes are asked for, somebody else signs it.")
    approved_by_me: bool = column(description="Whether you approved it.")
    evidence: list[ProposedEvidence] = many(order="{child}.no", size=5, description="What it puts behind the word.")
    organization: Organization = one(
        on="{child}.id = {parent}.organization_id", description="The organization whose word it would be."
    )
    spec_version: SpecVersion | None = one(
        on="{child}.id = {parent}.spec_version_id", description="The version that it is about."
    )
    endorsement: Endorsement | None = one(
        on="{child}.id = {parent}.endorsement_id", description="The endorsement that came of it."
    )
    viewer_can: EndorsementProposalAbilities = viewer_can()


@bound(
    SUGGESTION,
    description="Words that a school suggests to an endorser; they are the school's own.",
)
class StatementSuggestion(Node):
    """Words that a school suggests to an endorser."""

    statement: Markdown = column(description="What the school would like to be said.")
    suggested_at: datetime = column(description="When it was suggested.")
    withdrawn: bool = column(description="Whether the school took it back.")
    withdrawn_at: datetime | None = column(description="When the school took it back.")
    school: Organization = one(on="{child}.id = {parent}.school_id", description="The school whose words these are.")
    organization: Organization = one(
        on="{child}.id = {parent}.organization_id", description="The organization to which it suggests them."
    )
    spec_version: SpecVersion | None = one(
        on="{child}.id = {parent}.spec_version_id", description="The version that they are about."
    )
    viewer_can: StatementSuggestionAbilities = viewer_can()


PROPOSAL_ORDERS = Orders(
    "EndorsementProposalOrder",
    PROPOSED_AT=Order("{child}.proposed_at", "timestamptz", "By the time of proposing."),
    descending=True,
)
SUGGESTION_ORDERS = Orders(
    "StatementSuggestionOrder",
    SUGGESTED_AT=Order("{child}.suggested_at", "timestamptz", "By the time of suggesting."),
    descending=True,
)


@strawberry.input(description="Which proposals; all conditions must hold.")
class EndorsementProposalFilter:
    """Which proposals."""

    state: EndorsementProposalState | None = strawberry.field(
        default=strawberry.UNSET, description="Only in this state."
    )
    spec_version_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only for this version."
    )


@strawberry.input(description="Which suggestions; all conditions must hold.")
class StatementSuggestionFilter:
    """Which suggestions."""

    withdrawn: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that were taken back, or only those that stand."
    )
    spec_version_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only about this version."
    )


@strawberry.type
class EndorsementProposalQueries:
    """Root fields."""

    endorsement_proposal: EndorsementProposal | None = find(description="One proposal of your organization.")
    endorsement_proposals: Connection[EndorsementProposal] = connection(
        orders=PROPOSAL_ORDERS,
        where={
            "filter.state": "{child}.state = {value:text}",
            "filter.specVersionId": "{child}.spec_version_id = {value:id(version)}",
        },
        args={"filter": arg(EndorsementProposalFilter | None, "Which of them.")},
        description="What is, or was, proposed in your organization, the newest first.",
    )
    statement_suggestion: StatementSuggestion | None = find(description="One suggestion, of yours or to you.")
    statement_suggestions: Connection[StatementSuggestion] = connection(
        orders=SUGGESTION_ORDERS,
        where={
            "filter.withdrawn": "({child}.withdrawn_at is not null) = {value:boolean}",
            "filter.specVersionId": "{child}.spec_version_id = {value:id(version)}",
        },
        args={"filter": arg(StatementSuggestionFilter | None, "Which of them.")},
        description="The words that your school suggested, or that schools suggested to you, the newest first.",
    )


@strawberry.input(description="What your organization might say of exactly the version that you saw.")
class ProposeEndorsementInput(WordInput):
    """A proposal."""


@strawberry.input(description="Which proposal you approve.")
class ApproveEndorsementInput(CommandInput):
    """An approval."""

    proposal_id: strawberry.ID = strawberry.field(description="A proposal in your organization.")


@strawberry.input(description="Which proposal you sign, for exactly the version that you saw.")
class SignEndorsementInput(CommandInput):
    """A signature."""

    proposal_id: strawberry.ID = strawberry.field(description="A proposal in your organization.")
    expected_digest: str = strawberry.field(
        description="The version's `digest` as you saw it; another one is refused, and nothing is signed."
    )
    known_later_version_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=KNOWN_LATER)


@strawberry.input(description="Which proposal you refuse, and why.")
class RefuseEndorsementInput(CommandInput):
    """A refusal."""

    proposal_id: strawberry.ID = strawberry.field(description="A proposal in your organization.")
    reason: str = strawberry.field(description="Why; your colleagues may read it.")


@strawberry.input(description="Which proposal of yours you take back.")
class WithdrawEndorsementProposalInput(CommandInput):
    """A proposal to take back."""

    proposal_id: strawberry.ID = strawberry.field(description="Your proposal.")


@strawberry.input(description="Words for an organization about a version of yours.")
class SuggestStatementInput(CommandInput):
    """A suggestion."""

    spec_version_id: strawberry.ID = strawberry.field(description="Your version.")
    organization_id: strawberry.ID = strawberry.field(description="An employer or agency that may read it.")
    statement: str = strawberry.field(description="What you would like it to say; it may say something else.")


@strawberry.input(description="Which suggestion you take back.")
class WithdrawStatementSuggestionInput(CommandInput):
    """A suggestion to take back."""

    suggestion_id: strawberry.ID = strawberry.field(description="Your suggestion.")


@payload(description="The proposal.", errors=(StaleVersionError, ConflictOfInterestError))
class ProposeEndorsementPayload:
    """The proposal."""

    proposal: EndorsementProposal | None = entity(description="The proposal.")


@payload(description="The approved proposal.", errors=(StepUpRequiredError,))
class ApproveEndorsementPayload:
    """The approved proposal."""

    proposal: EndorsementProposal | None = entity(description="The approved proposal.")


@payload(description="The endorsement that came of a proposal.", errors=ENDORSING)
class SignEndorsementPayload:
    """The endorsement that came of a proposal."""

    endorsement: Endorsement | None = entity(description="The endorsement: IN_FORCE, or SIGNING for a moment yet.")


@payload(description="The refused proposal.", errors=(StepUpRequiredError,))
class RefuseEndorsementPayload:
    """The refused proposal."""

    proposal: EndorsementProposal | None = entity(description="The refused proposal.")


@payload(description="The proposal that was taken back.")
class WithdrawEndorsementProposalPayload:
    """The proposal that was taken back."""

    proposal: EndorsementProposal | None = entity(description="The proposal that was taken back.")


@payload(description="The suggestion.")
class SuggestStatementPayload:
    """The suggestion."""

    suggestion: StatementSuggestion | None = entity(description="The suggestion.")


@payload(description="The suggestion that was taken back.")
class WithdrawStatementSuggestionPayload:
    """The suggestion that was taken back."""

    suggestion: StatementSuggestion | None = entity(description="The suggestion that was taken back.")


async def _propose(tx: Tx, actor: Actor, given: ProposeEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    return {"proposal": public_id(PROPOSAL.tag, await proposals.propose(tx, actor, read_word(given)))}


async def _approve(tx: Tx, actor: Actor, given: ApproveEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.proposal_id, PROPOSAL.tag, "proposal", "proposalId")
    return {"proposal": public_id(PROPOSAL.tag, await proposals.approve(tx, actor, key))}


async def _sign(tx: Tx, actor: Actor, given: SignEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.proposal_id, PROPOSAL.tag, "proposal", "proposalId")
    made = await proposals.sign(
        tx, actor, proposals.Sign(key, given.expected_digest, known_later(given.known_later_version_id))
    )
    return {"endorsement": public_id("end", made)}


async def _refuse(tx: Tx, actor: Actor, given: RefuseEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.proposal_id, PROPOSAL.tag, "proposal", "proposalId")
    done = await proposals.refuse(tx, actor, proposals.Refuse(key, given.reason))
    return {"proposal": public_id(PROPOSAL.tag, done)}


async def _withdraw(tx: Tx, actor: Actor, given: WithdrawEndorsementProposalInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.proposal_id, PROPOSAL.tag, "proposal", "proposalId")
    return {"proposal": public_id(PROPOSAL.tag, await proposals.withdraw(tx, actor, key))}


async def _suggest(tx: Tx, actor: Actor, given: SuggestStatementInput, _tools: Tools) -> Mapping[str, str]:
    wanted = suggestions.Suggest(
        reference(given.spec_version_id, "version", "version", "specVersionId"),
        reference(given.organization_id, "org", "organization", "organizationId"),
        given.statement,
    )
    return {"suggestion": public_id(SUGGESTION.tag, await suggestions.suggest(tx, actor, wanted))}


async def _take_back(tx: Tx, actor: Actor, given: WithdrawStatementSuggestionInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.suggestion_id, SUGGESTION.tag, "suggestion", "suggestionId")
    return {"suggestion": public_id(SUGGESTION.tag, await suggestions.withdraw(tx, actor, key))}


@strawberry.type
class EndorsementProposalMutations:
    """Root fields."""

    propose_endorsement: ProposeEndorsementPayload | None = command(
        ProposeEndorsementInput,
        _propose,
        permission=Permission.PROPOSE_ENDORSEMENT,
        lock=Lock.DIGEST,
        description="Propose to your organization what it might say of a version, for somebody with signing authority.",
    )
    approve_endorsement: ApproveEndorsementPayload | None = command(
        ApproveEndorsementInput,
        _approve,
        permission=Permission.SIGN_ENDORSEMENT,
        lock=Lock.STATE,
        because="the words of a proposal never change, and it is approved once",
        description="Approve what was proposed; somebody with signing authority then signs it.",
    )
    sign_endorsement: SignEndorsementPayload | None = command(
        SignEndorsementInput,
        _sign,
        permission=Permission.SIGN_ENDORSEMENT,
        lock=Lock.DIGEST,
        description="Sign what was proposed; one that nobody has approved yet is approved by it. Where four eyes are"
        " asked for, who signs neither proposed it nor reviewed the version.",
        after=settle,
    )
    refuse_endorsement: RefuseEndorsementPayload | None = command(
        RefuseEndorsementInput,
        _refuse,
        permission=Permission.SIGN_ENDORSEMENT,
        lock=Lock.STATE,
        because="the words of a proposal never change; one refusal is kept",
        description="Refuse what was proposed in your organization; the reason is kept.",
    )
    withdraw_endorsement_proposal: WithdrawEndorsementProposalPayload | None = command(
        WithdrawEndorsementProposalInput,
        _withdraw,
        permission=Permission.PROPOSE_ENDORSEMENT,
        lock=Lock.STATE,
        because="it is your own, and its words never change",
        description="Take back what you proposed, before it is signed.",
    )
    suggest_statement: SuggestStatementPayload | None = command(
        SuggestStatementInput,
        _suggest,
        permission=Permission.SUGGEST_STATEMENT,
        lock=Lock.CREATES,
        description="Suggest to an employer or agency what it might say of your version. The words stay yours, labelled"
        " as suggested; only the endorser writes what is signed.",
    )
    withdraw_statement_suggestion: WithdrawStatementSuggestionPayload | None = command(
        WithdrawStatementSuggestionInput,
        _take_back,
        permission=Permission.SUGGEST_STATEMENT,
        lock=Lock.STATE,
        because="its words never change; it is taken back once",
        description="Take back the words that you suggested.",
    )
