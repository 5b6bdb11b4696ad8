"""Privacy: what learners may ask of everything that is kept of them: a copy of it, and its end.

Owns: the copies that learners have made.
Promises: a copy holds every column of every table that has the learner's number, but for secrets, with the credentials
    as they were signed and with who saw them, when and why; it is sealed like all the rest and goes after a day;
    erasing destroys the learner's key, so that no dump, log or file says who they were, while signatures, statuses and
    the log stay as they are, and no leaf of the log is matched with a credential that somebody kept.
May call: bulk, awards, learners, search, organizations, accounts, kit.
Never: acts for anybody but the learner, names the people who saw them, keeps a list of who was erased.

Files: `tables`, `rules` (the words that confirm), `gathering` (a learner's rows, by the tables' declarations),
`service` (make a copy, erase), `events` (what the rooms above must know at once), `files` (fetch a copy, expiry),
`views`.
"""
