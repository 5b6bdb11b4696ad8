"""Specs: what a credential says, frozen.

Owns: specifications, their drafts, immutable versions with the two frozen byte strings and the digest, and listings
    (real catalogue entries as imported: listed, not validated).
Promises: a version's bytes never change; the digest proves it; what is missing is a named gap, never a guess; what
    differs between two versions is told, and classed by a published table in which what is unknown is material.
May call: skills, trust, organizations, log, kit.
Never: publishes for a school because others endorsed it; edits a submitted version; makes an organization of a
    provider's name.

Files: `content` (the values a version holds, pure), `reading` (JSON to content and back, pure), `rules`,
`freezing` (the two byte strings and the digest, pure), `tables`, `service` with its parts `drafts` (what is written
before submission) and `versions` (frozen versions, and who may see them), `views`, `listings` (a catalogue file, pure),
`catalogue` (import listings, complete one into a draft), `sections`, `change_classes`, `diff`, `diff_words` (what
differs between two versions and what it means, pure), `comparing` (the same as rows).
"""
