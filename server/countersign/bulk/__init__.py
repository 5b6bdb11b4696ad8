"""Bulk operations: files in and out, worked on while nobody waits.

Owns: uploads and their bytes, bulk operations (the queue, progress, outcome), the files that they leave.
Promises: an upload is kept only when its size and SHA-256 are the announced ones; an import happens whole or not at
    all, exactly once, however often a worker dies; an export shows only what its asker may see at that moment, and
    stops when that ends; a spreadsheet finds no formula in a CSV file; only the own organization sees any of it;
    uploads go with their import, files after their time; they lie sealed under a key of their own, which an erasure
    destroys, also where another organization's upload names the learner.
May call: awards, learners, search, organizations, kit; what it exports comes through a function that `schema/` gives.
Never: knows GraphQL or HTTP; keeps a file with a candidate who withdrew, or of an operation that failed half-way.

Files: `tables`, `rules` (limits, states), `rules_csv` (cells that no spreadsheet runs), `uploads` (announce, receive,
read, use up), `mentions` (whom a file names), `service` (start, cancel), `approvals` (exports that wait for a second
person), `queue` (claim, lease, progress, finish), `importing`, `exporting`, `candidates` (in a file: while all of them
agree), `files` (what an operation leaves, fetching it), `jobs` (the worker, expiry), `views`.
"""
