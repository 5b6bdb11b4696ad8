"""Accounts: who somebody is, as their identity provider says, and the sessions in which they are signed in.

Owns: accounts (by the hash of issuer and subject), logins (sessions), which learner an account is, sign-ins on their
way, secrets that are good once, counted tries.
Promises: a session is kept only as the SHA-256 of its cookie and ends after 30 minutes without a request, 12 hours
after sign-in, or at once when it is signed out; no name and no address of anybody is kept.
May call: kit.
Never: decides what somebody may do (that is `organizations` and `kit/access`), speaks HTTP with browsers.

Files: `tables`, `rules` (hashes, lives), `service` (open, find and end logins; bind learners), `providers` (as the
settings name them), `oidc` (the relying party, which asks providers), `rules_tokens` (what their tokens must be),
`sign_ins` (begun, finished, ended; tickets and links), `limits` (counted tries), `jobs` (forgets what is over).
"""
