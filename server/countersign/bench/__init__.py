"""Bench: the product beside the least that could do the same work, measured in one run on this machine.

Owns: databases named `countersign_bench_<learners>` (made once, by seed), the bare endpoint, the table and its JSON.
Promises: both sides are served in processes of their own over loopback and asked in turns by a third; both do the same
    token look-up, budget and reveal statements and give answers of equal content, which is checked before anything is
    timed; the data pass the product's own checks; nothing is measured inside a test.
May call: every room's service, pure parts and SQL, app, kit, config.
Never: touches a database that is not its own; is imported by anything but its verb.

Files: `market` (what schools and employers made, pure), `people` (learners and awards, in SQL), `data` (databases),
`questions` (what our side is asked), `bare` and `bare_sql` (the other side), `client` (the process that asks),
`processes` (start them, read their CPU time), `measure` (turns, percentiles), `rows` (the rows over HTTP), `importing`
(award files against the ORM), `importing_bare` (and against COPY by hand, which seals and judges nothing), `report`
(goals, table, JSON), `run` (the whole).
"""
