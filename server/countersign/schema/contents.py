"""Table of contents: the roots of the API, composed from what each room offers."""

from functools import cache
from typing import Final

import strawberry
from graphql import GraphQLInputObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema_directive import StrawberrySchemaDirective
from strawberry.utils.str_converters import to_camel_case

from countersign import config
from countersign.reads.bind import lookup
from countersign.reads.bindings import BACKREF
from countersign.schema import federation
from countersign.schema.approvals import ApprovalMutations, ApprovalQueries
from countersign.schema.attachments import AttachmentMutations, AttachmentQueries
from countersign.schema.audit import AuditQueries
from countersign.schema.awards import AwardMutations, AwardQueries
from countersign.schema.base import Node
from countersign.schema.bulk import BulkMutations, BulkQueries
from countersign.schema.claims import ClaimMutations
from countersign.schema.conflicts import ConflictMutations, ConflictQueries
from countersign.schema.conflicts_check import ConflictCheckQueries
from countersign.schema.conflicts_interests import InterestMutations, InterestQueries
from countersign.schema.corpora import CorpusQueries
from countersign.schema.endorsements import EndorsementMutations, EndorsementQueries
from countersign.schema.endorsements_life import EndorsementLifeMutations
from countersign.schema.endorsements_proposals import EndorsementProposalMutations, EndorsementProposalQueries
from countersign.schema.endorsements_reaffirming import ReaffirmationMutations
from countersign.schema.endorsements_standing import EndorsementStandingMutations
from countersign.schema.evidence import EVIDENCE_TYPES
from countersign.schema.federation import FederationQueries
from countersign.schema.foreign import ForeignMutations, ForeignQueries
from countersign.schema.keys import KeyMutations, KeyQueries
from countersign.schema.learners import LearnerMutations, LearnerQueries
from countersign.schema.members import MemberMutations, MemberQueries
from countersign.schema.notices import NoticeMutations, NoticeQueries, NoticeSubscriptions
from countersign.schema.notices_mailbox import MailboxMutations
from countersign.schema.organizations import OrganizationQueries
from countersign.schema.organizations_domains import DomainMutations, DomainQueries
from countersign.schema.pledges import PledgeMutations, PledgeQueries
from countersign.schema.privacy import PrivacyMutations
from countersign.schema.promises import require_promises
from countersign.schema.quorum import QuorumMutations, QuorumQueries
from countersign.schema.rate_limit import RateLimitQueries
from countersign.schema.reviews import ReviewMutations, ReviewQueries
from countersign.schema.reviews_calls import ReviewCallMutations, ReviewCallQueries
from countersign.schema.reviews_changes import ChangeRequestMutations, ChangeRequestQueries
from countersign.schema.reviews_requests import ReviewRequestMutations
from countersign.schema.reviews_threads import ReviewThreadMutations
from countersign.schema.reviews_writing import ReviewWritingMutations, ReviewWritingQueries
from countersign.schema.rubrics import RubricMutations, RubricQueries
from countersign.schema.scalars import SCALARS
from countersign.schema.search import SearchQueries
from countersign.schema.skills import SkillQueries
from countersign.schema.specs import SpecQueries
from countersign.schema.specs_commands import SpecMutations
from countersign.schema.specs_diff import SpecDiffQueries
from countersign.schema.specs_listings import ListingQueries
from countersign.schema.stacks import StackMutations, StackQueries
from countersign.schema.subscriptions import CatalogueSubscriptions
from countersign.schema.subscriptions_backing import BackingSubscriptions
from countersign.schema.tokens import TokenMutations, TokenQueries
from countersign.schema.toolchain import ToolchainMutations, ToolchainQueries
from countersign.schema.webhooks import WebhookMutations, WebhookQueries


@strawberry.type
class NodeQueries:
    """Look-ups by id."""

    node: Node | None = lookup(many=False, description="Any thing by its id; null when there is none that you may see.")
    nodes: list[Node | None] = lookup(
        many=True, description="Things by their ids, in the order of the ids; null for each that you may not see."
    )


PUBLISHED: Final = config.ROOT / "schema.graphql"

QUERIES: Final[tuple[type, ...]] = (
    NodeQueries,
    OrganizationQueries,
    DomainQueries,
    ApprovalQueries,
    KeyQueries,
    ConflictQueries,
    ConflictCheckQueries,
    InterestQueries,
    CorpusQueries,
    MemberQueries,
    TokenQueries,
    SkillQueries,
    SpecQueries,
    SpecDiffQueries,
    ListingQueries,
    ReviewQueries,
    ChangeRequestQueries,
    ReviewWritingQueries,
    RubricQueries,
    ReviewCallQueries,
    EndorsementQueries,
    PledgeQueries,
    ToolchainQueries,
    EndorsementProposalQueries,
    StackQueries,
    LearnerQueries,
    AwardQueries,
    SearchQueries,
    RateLimitQueries,
    FederationQueries,
    BulkQueries,
    AttachmentQueries,
    AuditQueries,
    QuorumQueries,
    ForeignQueries,
    NoticeQueries,
    WebhookQueries,
)
MUTATIONS: Final[tuple[type, ...]] = (
    MemberMutations,
    TokenMutations,
    SpecMutations,
    ReviewMutations,
    ReviewRequestMutations,
    ChangeRequestMutations,
    ReviewWritingMutations,
    ReviewThreadMutations,
    RubricMutations,
    ReviewCallMutations,
    EndorsementMutations,
    StackMutations,
    LearnerMutations,
    AwardMutations,
    ClaimMutations,
    BulkMutations,
    AttachmentMutations,
    DomainMutations,
    ApprovalMutations,
    KeyMutations,
    EndorsementStandingMutations,
    ReaffirmationMutations,
    EndorsementLifeMutations,
    PledgeMutations,
    ToolchainMutations,
    EndorsementProposalMutations,
    ConflictMutations,
    InterestMutations,
    PrivacyMutations,
    QuorumMutations,
    ForeignMutations,
    NoticeMutations,
    MailboxMutations,
    WebhookMutations,
)
SUBSCRIPTIONS: Final[tuple[type, ...]] = (CatalogueSubscriptions, BackingSubscriptions, NoticeSubscriptions)
TYPES: Final[tuple[type, ...]] = EVIDENCE_TYPES  # types that no field names: members of interfaces


def make_schema(
    queries: tuple[type, ...] = QUERIES,
    mutations: tuple[type, ...] = MUTATIONS,
    types: tuple[type, ...] = TYPES,
    subscriptions: tuple[type, ...] = SUBSCRIPTIONS,
) -> strawberry.Schema:
    """The schema of the API. Raises BindingMistake for a mutation that breaks a promise (`promises`)."""
    query = strawberry.type(type("Query", queries, {}), description="What can be asked.")
    mutation = None
    if mutations:
        mutation = strawberry.type(type("Mutation", mutations, {}), description="What can be changed.")
    subscription = None
    if subscriptions:
        made = type("Subscription", subscriptions, {})
        subscription = strawberry.type(made, description="What can be followed as it happens.")
    config = StrawberryConfig(scalar_map=SCALARS | federation.SCALARS)
    schema = strawberry.Schema(query=query, mutation=mutation, subscription=subscription, types=types, config=config)
    for type_ in schema._schema.type_map.values():  # noqa: SLF001 - the schema that Strawberry declares
        if isinstance(type_, GraphQLInputObjectType) and type_.extensions[BACKREF].is_one_of:
            # Strawberry checks @oneOf itself, late and as an exception; graphql-core's validation knows it too.
            type_.is_one_of = True
            type_.out_type = GraphQLInputObjectType.out_type  # type: ignore[method-assign] # graphql-core's own way
    _describe_directives(schema._schema)  # noqa: SLF001 - as above
    require_promises(schema._schema)  # noqa: SLF001 - as above
    federation.remember(schema._schema, lambda: export(schema))  # noqa: SLF001 - as above
    return schema


@cache
def the_schema() -> strawberry.Schema:
    """The schema of the API, made once for a process: it takes a third of a second. Nobody may change it.

    What it tells gateways of itself comes from the text that is published with the code, which a test holds to it.
    """
    schema = make_schema()
    federation.remember(schema._schema, lambda: PUBLISHED.read_text() if PUBLISHED.exists() else export(schema))  # noqa: SLF001 - as above
    return schema


def _describe_directives(schema: GraphQLSchema) -> None:
    """Strawberry drops what is said of a schema directive's arguments; here it comes back."""
    for directive in schema.directives:
        declared = directive.extensions.get(BACKREF)
        if isinstance(declared, StrawberrySchemaDirective):
            for field in declared.fields:
                directive.args[to_camel_case(field.name)].description = field.description


@cache
def export(schema: strawberry.Schema) -> str:
    """The schema as it is published in `schema.graphql`: half a second of work, done once for each."""
    return federation.publish(schema.as_str())
