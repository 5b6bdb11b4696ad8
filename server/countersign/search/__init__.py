"""Search: the candidate index that recruiters read instead of the learners.

Owns: candidate_search and candidate_award (the projection), candidate_views and reveal_quotas (who saw whom).
Promises: only learners whose consent stands have rows, and only facts that may be searched are in them; whether an
    award is endorsed is asked of the endorsements at query time, never kept here; no learner is shown before the view
    is recorded and charged; small counts are never told; a question combines at most three kinds of condition, is 200
    candidates deep, and its cursors are good for a day, for whoever got them.
May call: stacks, endorsements, specs, skills, organizations (their tables), kit.
Never: reads learners or awards: the rooms above hand it their facts in their own transactions; holds a name, an
    address or an id that the learner shows to others.

Files: `tables`, `rules` (limits, privacy floor), `matching` (the recruiter's query as SQL), `reveal` (the second step
    of an answer), `service` (project, unproject, post, compare), `events` (who is gone), `views`.
"""
