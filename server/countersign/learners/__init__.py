"""Learners: people and what they allow.

Owns: learners, the directory that finds them again by e-mail, consents.
Promises: nobody is found who did not consent: a change of consent writes the candidate index in its own transaction;
    only the learner consents, to each purpose by itself and on a text whose version and language are kept; a text that
    was in force never changes; a withdrawn consent is never revived, granting again is a new row; a
    file never speaks for who has an account, under none of their addresses; one e-mail address
    is one learner, however it is spelled.
May call: search, accounts, kit.
Never: shows `learner_id`, puts personal data into an event or an audit line, lets a school consent for anybody.

Files: `tables`, `rules` (addresses, names, purposes), `service` (enrol), `consents` (grant, withdraw, take a file),
`texts` (what is read before consenting; package data `data/consents/<purpose>.<day>.<language>.txt`), `receipts`
(what the learner keeps of a consent), `identities` (records of one person, addresses, residence), `backfill` (what
older versions kept in plain text), `views`.

Merging moves no row: `learner_merges` says which record is whose. Awards, consents and sights stay under the number
that their ids carry; whatever asks for a person asks for all their records.
"""
