"""The edge: HTTP before any meaning.

Owns: sockets and their deadlines, request ids and the request log, who may ask, bodies and content types,
    authentication, budgets and admission, the deadline of an operation, errors of HTTP, the process's way out.
Promises: every request has an id, in its answer and in every log line; whatever a client sends or fails to send, it
    gets a coded answer or a closed socket in seconds; nobody waits longer than it is worth; no secret is logged.
May call: organizations (who a token is), bulk (uploads and files), reads (its errors), kit, config.
Never: knows a GraphQL type or a business rule.

The order of a request: `connection` (deadlines, sizes, malformed HTTP; `exchange`, `heads`, `connections`) → `door`
    (name, host, log) → `graphql`, the endpoint: `gates` (method, origin, type, size) → `admission`'s first look
    → `body` (safe JSON) → `pipeline`: `identity` → `trusted` (the text of an id) → price → budget → a place → the
    engine, within the deadline.
Files beside: `negotiation` (content types), `responses`, `mishaps` (errors of plain routes), `health`, `draining`
    (SIGTERM), `websocket` (the handshake; `websocket_session` a socket's life, `websocket_messages` the protocol),
    `sse` (event streams), `guests` (who stays: counted and seen off), `pages` (the page at `/`, built bundles, the
    demo's sign-in), `uploads` (bytes in), `downloads` (files out).
"""
