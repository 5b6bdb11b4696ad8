"""Organizations: who may speak for whom.

Owns: schools, employers, agencies; the domains that they claim; their members and roles; API tokens.
Promises: a token is kept only as its SHA-256; an actor's authority is what the token's scopes and the member's roles
    both allow at this moment; a suspended organization has none.
May call: accounts.
Never: decides what a role may do (that is `kit/access`), keeps personal data beyond an opaque person id.

Files: `tables`, `rules` (handles, tokens), `service` (register, enrol, issue and revoke tokens, authenticate), `acting`
(for whom a session acts), `views`, `domains` (claim, ask, follow) with `rules_domains` (pure), `events` (what the rooms
above must know at once).
"""
