"""The twenty queries that clients of such a portal send most, each by who sends it."""

from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class Typical:
    """A query, who asks it, and its variables; a variable `{handle}`-like text is filled from the data."""

    name: str
    role: str
    text: str
    variables: dict[str, Any] = field(default_factory=dict)


PAGE: Final = "pageInfo { hasNextPage endCursor } totalCount"
VERSION: Final = "id semver state title digest coValidated liveEndorsementCount"

TYPICAL: Final = (
    Typical("who am I", "school", "{ viewer { roles organization { id handle displayName kind } learner { id } } }"),
    Typical("a thing by its id", "nobody", "query ($id: ID!) { node(id: $id) { __typename id } }", {"id": "spec.id"}),
    Typical(
        "things by their ids",
        "nobody",
        """query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on CredentialSpec { slug title }
             ... on SpecVersion { semver } } }""",
        {"ids": ["spec.id", "version.id", "nonsense"]},
    ),
    Typical(
        "an organization's page",
        "nobody",
        """query ($h: String!) { organization(by: {handle: $h}) { id displayName legalName kind country url did
             verification fictional parent { handle } subsidiaries(first: 5) { nodes { handle displayName } } } }""",
        {"h": "organization.handle"},
    ),
    Typical(
        "organizations by kind",
        "nobody",
        f"""{{ organizations(first: 20, filter: {{kind: EMPLOYER}}) {{ {PAGE}
              nodes {{ id handle displayName country }} }} }}""",
    ),
    Typical(
        "skills by words",
        "nobody",
        """query ($s: String!) { skills(search: $s, first: 10) { nodes { id uri name kind label { text }
             framework { handle attribution } } totalCount } }""",
        {"s": "python"},
    ),
    Typical(
        "a skill in a language",
        "nobody",
        """query ($u: String!) { skill(by: {uri: $u}) { id name label(language: "ru") { text language }
             labels { text language kind } } }""",
        {"u": "skill.uri"},
    ),
    Typical("the vocabularies", "nobody", "{ skillFrameworks { id handle name version licence attribution url } }"),
    Typical(
        "a spec by its id",
        "nobody",
        f"""query ($id: ID!) {{ credentialSpec(by: {{id: $id}}) {{ id slug kind title
              currentVersion {{ {VERSION} }} }} }}""",
        {"id": "spec.id"},
    ),
    Typical(
        "a page of the catalogue with endorsements",
        "nobody",
        f"""{{ credentialSpecs(first: 50, filter: {{state: PUBLISHED}}) {{ {PAGE} nodes {{ id slug title
              school {{ handle displayName }} currentVersion {{ {VERSION} skills {{ id name }}
                endorsements(first: 10, filter: {{live: true}}) {{ totalCount nodes {{ id statement validUntil
                  endorser {{ handle displayName }} evidence {{ __typename }} }} }} }} }} }} }}""",
    ),
    Typical(
        "a version in full",
        "nobody",
        f"""query ($d: String!) {{ specVersion(by: {{digest: $d}}) {{ {VERSION} achievement specJson gaps url
              spec {{ slug }} school {{ handle }} previous {{ semver }}
              content {{ __typename }} skills {{ uri name }} }} }}""",
        {"d": "version.digest"},
    ),
    Typical(
        "the versions of a spec",
        "school",
        f"""query ($s: String!) {{ credentialSpec(by: {{slug: $s}}) {{ versions(first: 10) {{ nodes {{ {VERSION}
              changeClass changed submittedAt publishedAt }} {PAGE} }}
              drafts(first: 5) {{ nodes {{ id revision }} }} }} }}""",
        {"s": "spec.slug"},
    ),
    Typical(
        "my drafts",
        "school",
        f"{{ specDrafts(first: 20, submitted: false) {{ nodes {{ id title revision gaps updatedAt }} {PAGE} }} }}",
    ),
    Typical(
        "listed courses",
        "nobody",
        f"{{ listings(first: 20) {{ nodes {{ id title provider country workloadHours price notice gaps }} {PAGE} }} }}",
    ),
    Typical(
        "what waits for a reviewer",
        "reviewer",
        f"""{{ reviewRequests(first: 20, filter: {{state: OPEN}}) {{ nodes {{ id state dueOn message
              school {{ displayName }} specVersion {{ {VERSION} }} review {{ recommendation }} }} {PAGE} }} }}""",
    ),
    Typical(
        "live endorsements of a version",
        "nobody",
        f"""query ($v: ID!) {{ endorsements(first: 20, filter: {{specVersionId: $v, live: true}}) {{ nodes {{ id state
              statement validFrom validUntil digest endorser {{ handle }} evidence {{ __typename }} }} {PAGE} }} }}""",
        {"v": "version.id"},
    ),
    Typical(
        "an endorsement with its credential",
        "nobody",
        """query ($id: ID!) { endorsement(id: $id) { id state live credential url endorser { did }
             specVersion { digest spec { slug } } } }""",
        {"id": "endorsement.id"},
    ),
    Typical(
        "stacks",
        "nobody",
        f"""{{ stacks(first: 20) {{ nodes {{ id handle title organization {{ handle }} capstone {{ slug title }}
              blocks {{ slug title currentVersion {{ coValidated }} }} }} {PAGE} }} }}""",
    ),
    Typical(
        "my awards and consents",
        "learner",
        """{ viewer { learner { id fullName consents { purpose stands grantedAt } awards(first: 20) { nodes { id state
             earnedOn specVersion { title school { displayName } } } totalCount }
             seenBy(first: 10) { totalCount } } } }""",
    ),
    Typical(
        "the recruiter's query",
        "recruiter",
        """query ($skills: [ID!]!) { searchCandidates(skills: $skills, first: 20) { totalCount
             facets { regions { region count } endorsers { endorser { handle displayName } count } }
             pageInfo { hasNextPage endCursor }
             nodes { id region country match { score recent contributions { points endorsers earnedOn } }
               awards { earnedOn spec { slug title } specVersion { semver } skills { id name }
                 liveEndorsements { id endorser { handle displayName } } } } } }""",
        {"skills": ["taught.id"]},
    ),
)
