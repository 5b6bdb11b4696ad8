"""conflicts: what ties organizations to one another, and who is too near to judge.

Owns: ownership links, tools that organizations make, who pays whom: declared by the organizations themselves or by
    the operator, and shown to everyone; who has signed for whom and which reviewers have disclosed an interest, as the
    rooms above write it down; published versions of quorum policies, which say what comes of ties (`policies.py`;
    `endorsements` publishes them and reads their other demands); the conflict rule (`rules_findings.py`, pure). Control
    groups stand in `organizations`, which this room has written there; that room keeps where an organization was
    before.
Promises: every conflict is explained in words, step by step, and what is not public only to the two it concerns; a link
    that one side declared alone never touches a third; ties within three hops refuse, ties of any length count as one
    control group; a policy decides the same when a reviewer is asked and when it is signed, the platform's alone makes
    a tie milder, and none goes below its floor.
May call: specs, trust, organizations, log, kit.
Never: judges anything itself, takes a confirmed link back at the wish of those whom it ties.

Files: `tables`, `tables_policies`; `rules` (links, control groups) and `rules_findings` (what comes of ties, in words),
both pure; `ways` (the SQL of every way between two); `policies` (which are in effect); `service` (declare, confirm,
end; judge, check; note; regroup), `logged` (what the log covers), `views`, `jobs` (regroup now and then).
"""
