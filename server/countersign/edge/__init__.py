"""The edge: HTTP before any meaning.

Owns: request ids and the request log, bodies and content types, authentication, admission, errors of HTTP.
Promises: every request has an id, in its answer and in every log line; no secret is logged.
May call: organizations (who a token is), bulk (uploads and files), kit, config.
Never: knows a GraphQL type or a business rule.

Files: `graphql` (the endpoint), `body` (safe JSON), `negotiation` (content types), `identity` (who asks), `responses`,
    `request_log`, `health`, `pages` (the page at `/`, built bundles, the demo's sign-in), `uploads`
    (bytes in), `downloads` (files out).
"""
