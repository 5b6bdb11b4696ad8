"""Room card.

Owns: specifications, their drafts, immutable versions with the two frozen byte strings and the digest, and listings
(real catalogue entries as imported, listed and not validated).
Promises: a version's bytes never change; the digest proves it. What is missing is a named gap, never a guess.
May call: skills, trust, organizations.
Never: publishes for a school because others endorsed it; edits a submitted version; makes an organization of a
provider's name.

Files beside the usual: `content.py` (the values a version holds, pure), `reading.py` (JSON to content and back, pure).
"""
