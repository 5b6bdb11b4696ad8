"""The edge: HTTP for GraphQL. What is refused here never reaches the engine.

Owns: the endpoint `/graphql`, safe JSON, content negotiation, request ids, authentication by bearer token, health.
Promises: a malformed request is a coded 400 and never a 500; an answer carries its request id.
May call: `organizations.service.authenticate`, `kit`; the engine that `app` hands to it.
Never: knows the schema.

Files: `graphql` (the endpoint), `body` (safe JSON), `negotiation`, `responses`, `identity` (who asks), `health`.
"""
