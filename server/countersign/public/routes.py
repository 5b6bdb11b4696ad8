"""Where everything public is."""

from __future__ import annotations

from starlette.routing import Route

from countersign.public import about, documents, verifying


def routes() -> list[Route]:
    """The routes, for `app`; handlers find the application's tools in its state."""
    return [
        Route("/orgs/{handle}", about.organization),
        Route("/orgs/{handle}/did.json", documents.did_document),
        Route("/status/{handle}/revocation/{number:int}", documents.status_list),
        Route("/specs/{slug}", about.spec),
        Route("/specs/{slug}/versions/{semver}", documents.achievement),
        Route("/specs/{slug}/versions/{semver}/criteria", about.criteria),
        Route("/specs/{slug}/versions/{semver}/spec.json", documents.spec_json),
        Route("/specs/{slug}/versions/{semver}/endorsements", documents.version_endorsements),
        Route("/endorsements/{id:uuid}", documents.endorsement),
        Route("/awards/{id}", verifying.award),
        Route("/v/{id}", verifying.shared),
        Route("/verify", verifying.verify_page, methods=["GET"]),
        Route("/verify", verifying.verify, methods=["POST"]),
        Route("/verify.css", verifying.style),
    ]
