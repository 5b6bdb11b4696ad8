"""log: the Merkle transparency log over audit events and over everything that is signed or published.

Owns: `log_leaves`, `log_nodes`, `log_checkpoints`, `log_head`.
Promises: what was recorded before a checkpoint cannot be changed, removed, back-dated or added afterwards without
    being found, by whoever holds a later checkpoint; a leaf holds digests and times alone; proofs can be checked by
    anyone who knows RFC 9162 and C2SP signed notes.
May call: kit (it reads `audit_events`). The rooms above say by a `Source` what of theirs is covered.
Never: changes or removes an event; shows the log key; puts anything but a salted digest into a leaf.

Files beside the four of every room:
    rules           RFC 9162 trees: hashes, proofs, what they are made of (pure)
    rules_notes     C2SP signed notes and checkpoints (pure)
    sources         what of a room's rows the log covers; `enter` writes down what a row says now, `erase` that what
                    was signed about it is nobody's to read any more: salts go, leaves and roots stay
    adopting        what was there before the log, or before it covered it: taken in once, and settled within an hour
    sequencing      events become leaves, leaves a checkpoint
    checking        everything recomputed and compared: findings
    bundle          the log as files that another program can check
"""
