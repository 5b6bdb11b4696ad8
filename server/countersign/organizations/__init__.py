"""Organizations: who may speak for whom.

Owns: schools, employers, agencies; the domains that they claim; their members and roles; invitations; API tokens and
    when they were last used.
Promises: a token is kept only as its SHA-256; an actor's authority is what the token's scopes and the member's roles
    both allow at this moment; a suspended organization has none. Nobody gives a token more than they hold, an
    organization keeps an admin, and an invitation is good once, in time, for one address. Who loses a role loses what
    hangs on it in the same transaction (`MembershipEnded`).
May call: accounts, kit.
Never: decides what a role may do (that is `kit/access`), keeps personal data beyond an opaque person id.

Files: `tables`, `rules` (handles, the form of tokens), `rules_tokens`, `rules_members`; `service` (what the operator
does; authenticate), `acting` (for whom a session acts), `tokens`, `invitations`, `members` (the commands of members),
`signing_authority` (its end, told in time), `domains` (claim, ask, follow) with `rules_domains` (pure), `approvals`
(four eyes) with `rules_approvals` (pure), `standing` (suspensions), `events` (what the rooms above must know at once),
`logged` (what the log covers: standing, roles, domains), `usage`, `views`.
"""
