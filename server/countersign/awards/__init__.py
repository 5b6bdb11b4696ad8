"""Awards: what learners earned, given by schools.

Owns: awards, the unsigned and signed credential of each, imports of award files.
Promises: a learner holds at most one valid award of a version; only the school of the version awards and revokes it; a
    school that awards sees the name that it wrote, never what another school knows of the learner; a
    credential is stored before it is signed and served as it was signed; name, credential and the reason of a
    revocation are sealed under the learner's key; a file is imported whole or not at all, and
    the same file twice changes nothing; consent, awards and the candidate index change in one transaction; an award is
    claimed with a link made for it and what the school's roster knows, and of a learner with an account nothing is
    shown or found that was not claimed.
May call: learners, search, endorsements, specs, trust, organizations, accounts, log, kit.
Never: touches an award because its version was retired; consents for a learner; shows `learner_id`.

Files: `tables`, `rules` (dates, states, reasons), `service` (issue, revoke, check the index), `credentials` (store,
then sign), `importing` and `importing_sql` (award files), `consent` (what a learner's consent does to the index),
`claims`, `rules_claims`, `factors` (links, attempts, the roster's second factor), `backfill` (what older versions kept
in plain text), `jobs`, `views`.

An imported award gets its unsigned credential and its place in the status list when it is first asked for, not when it
is imported: its row holds every fact, and the import stays a few statements however long the file is.
"""
