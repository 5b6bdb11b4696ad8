"""Skills: one skill, one id.

Owns: skill frameworks (ESCO, O*NET, rich skill descriptors, local ones), their skills, and labels in many languages.
Promises: a skill is known by one URI; importing a file again changes nothing; a file with one bad row changes nothing;
    a label that this product wrote is marked as its own.
May call: organizations, kit.
Never: makes a skill of a text that somebody typed; invents a framework's label or link.

Files: `tables`, `rules` (the facts of a skill, folding, addresses), `files` (the three file styles, pure),
`service` (import, labels, look-up), `views`.
"""
