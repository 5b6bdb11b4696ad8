"""The kinds of notices, by which their readers choose."""

import enum

import strawberry


@strawberry.enum(description="What a notice is about: by these kinds each person chooses how they are told.")
class NoticeKind(enum.Enum):
    """What a notice is about."""

    REVIEWS = strawberry.enum_value("reviews", description="Reviews that you are asked for, or asked for yourself.")
    CALLS = strawberry.enum_value("calls", description="Open calls for reviewers in your field.")
    CHANGES = strawberry.enum_value(
        "changes", description="Changes that a reviewer requests, and what becomes of them."
    )
    COMMENTS = strawberry.enum_value("comments", description="Comments and suggestions, and answers to them.")
    ENDORSEMENTS = strawberry.enum_value("endorsements", description="Endorsements that come, pause or end.")
    CO_VALIDATION = strawberry.enum_value("co_validation", description="A block becomes co-validated, or is no more.")
    REMINDERS = strawberry.enum_value("reminders", description="Something is due: a review, the renewal of your word.")
    PLEDGES = strawberry.enum_value("pledges", description="Seats that were pledged: reserved, redeemed, released.")
    ALARMS = strawberry.enum_value("alarms", description="A tool that you confirmed, or teach, goes out of support.")
    VERSIONS = strawberry.enum_value("versions", description="What a school does with a version that you endorsed.")
    ORGANIZATION = strawberry.enum_value(
        "organization", description="Members, keys, domains, tokens and approvals of your organization."
    )
    AWARDS = strawberry.enum_value("awards", description="Your own awards.")
