"""Where everything public is."""

from __future__ import annotations

from starlette.convertors import IntegerConvertor, StringConvertor, register_url_convertor
from starlette.routing import Route

from countersign.public import about, documents, leaked, mailboxes, transparency, verifying


class Name(StringConvertor):
    """A handle, slug or number of a version: no NUL, which PostgreSQL cannot even be asked about."""

    regex = "[^/\x00]+"


class ListNumber(IntegerConvertor):
    """The number of a status list, as `Addresses.read_status_list` reads it."""

    regex = "[1-9][0-9]{0,8}"


class LetterLink(StringConvertor):
    """What a link of a letter is for."""

    regex = "confirm|unsubscribe"


register_url_convertor("name", Name())
register_url_convertor("letter_link", LetterLink())
register_url_convertor("list_number", ListNumber())


def routes() -> list[Route]:
    """The routes, for `app`; handlers find the application's tools in its state."""
    return [
        Route("/orgs/{handle:name}", about.organization),
        Route("/orgs/{handle:name}/did.json", documents.did_document),
        Route("/status/{handle:name}/revocation/{number:list_number}", documents.status_list),
        Route("/status/{handle:name}/suspension/{number:list_number}", documents.suspension_list),
        Route("/specs/{slug:name}", about.spec),
        Route("/specs/{slug:name}/versions/{semver:name}", documents.achievement),
        Route("/specs/{slug:name}/versions/{semver:name}/criteria", about.criteria),
        Route("/specs/{slug:name}/versions/{semver:name}/spec.json", documents.spec_json),
        Route("/specs/{slug:name}/versions/{semver:name}/endorsements", documents.version_endorsements),
        Route("/endorsements/{id:uuid}", documents.endorsement),
        Route("/awards/{id}", verifying.award),
        Route("/v/{id}", verifying.shared),
        Route("/verify", verifying.verify_page, methods=["GET"]),
        Route("/verify", verifying.verify, methods=["POST"]),
        Route("/verify.css", verifying.style),
        Route("/leaked", leaked.pattern, methods=["GET"]),
        Route("/leaked", leaked.report, methods=["POST"]),
        Route("/notices/{purpose:letter_link}", mailboxes.page, methods=["GET"]),
        Route("/notices/{purpose:letter_link}", mailboxes.follow, methods=["POST"]),
        Route("/log", transparency.about),
        Route("/log/key", transparency.key),
        Route("/log/checkpoint", transparency.checkpoint),
        Route("/log/proof/inclusion", transparency.inclusion),
        Route("/log/proof/consistency", transparency.consistency),
        Route("/log/tile/{level:name}/{place:path}", transparency.tile),
    ]
