"""conflicts: what ties organizations to one another, and who is too near to judge.

Owns: ownership links, declared by the organizations themselves or by the operator, and shown to everyone; the conflict
    rule (`rules.py`, pure). Control groups stand in `organizations`, which this room has written there.
Promises: every conflict is explained in words, step by step; a link that one side declared alone never touches a third;
    ties within three hops refuse, ties of any length count as one control group.
May call: trust, organizations, kit.
Never: judges anything itself, takes a confirmed link back at the wish of those whom it ties.

Files: `tables`, `rules`, `service` (declare, confirm, end; check, regroup), `views`, `jobs` (regroup now and then).
"""
