"""Learners: people and what they allow.

Owns: learners, the directory that finds them again by e-mail, consents.
Promises: nobody is found who did not consent: a change of consent writes the candidate index in its own transaction;
    only the learner consents; a withdrawn consent is never revived, granting again is a new row; one e-mail address is
    one learner, however it is spelled.
May call: search, kit.
Never: shows `learner_id`, puts personal data into an event or an audit line, lets a school consent for anybody.

Files: `tables`, `rules` (addresses, names, purposes), `service` (enrol, consent, withdraw), `views`.
"""
