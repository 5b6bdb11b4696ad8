"""The demo: real skills, tools and courses, and beside them a made-up market that says so.

Owns: the files in `market/` (all invented), the made learners, the runner of `countersign demo`.
Promises: everything made goes through the same services as a client's request, signatures included; nothing made is
    ever shown beside a real school's name; the same seed and day give the same learners.
May call: every room's service, kit, config.
Never: inserts a row of its own, has a default password.

Files: `market` (reads `market/`), `learners` (makes people and their awards, as CSV files), `seed` (plays the market's
history through the services), `run` (starts everything, prints addresses and tokens), `frontend` (builds GraphiQL).
"""
