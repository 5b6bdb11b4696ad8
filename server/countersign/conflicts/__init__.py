"""conflicts: what ties organizations to one another, and who is too near to judge.

Owns: ownership links, tools that organizations make, who pays whom: declared by the organizations themselves or by
    the operator, and shown to everyone; who has signed for whom and which reviewers have disclosed an interest, as the
    rooms above write it down; the conflict rule (`rules_findings.py`, pure). Control groups stand in `organizations`,
    which this room has written there; that room keeps where an organization was before.
Promises: every conflict is explained in words, step by step, and what is not public only to the two it concerns; a link
    that one side declared alone never touches a third; ties within three hops refuse, ties of any length count as one
    control group; what a policy makes of a tie is never milder than its floor.
May call: specs, trust, organizations, kit.
Never: judges anything itself, takes a confirmed link back at the wish of those whom it ties.

Files: `tables`; `rules` (links, control groups) and `rules_findings` (what comes of ties, in words), both pure; `ways`
(the SQL of every way between two); `service` (declare, confirm, end; judge, check; note; regroup), `views`, `jobs`
(regroup now and then).
"""
