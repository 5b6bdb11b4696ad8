"""corpora: vacancies as they were collected, so that what is said of the labour market can be counted again.

Owns: vacancy corpora as immutable snapshots (name, SHA-256 of the file, period, region, terms on which it may be used),
    their vacancies, each with the terms it asks for: tools, fields, qualifications.
Promises: what was imported never changes, so the same question of the same snapshot has the same answer for ever; a
    file comes in whole or not at all, and a second time changes nothing; the log covers every snapshot with its rows.
May call: skills, log, kit.
Never: keeps running text, employers' names or anything personal of a vacancy; guesses a date that a file does not tell.

Files: `tables`, `rules` (queries, pure), `rules_files` (JSON lines, pure), `service` (import, count), `views`.
"""
