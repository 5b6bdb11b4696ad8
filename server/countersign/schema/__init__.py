"""The front desk: every GraphQL type, one file per room, each bound to the room's views and commands.

What is published of it: `federation` (for clients, for composers), `deprecation` and `changes` (how it may change).
What a document may hold and an operation cost: `limits`, `pricing`, `rate_limit`; `variables` reads what is given.
What is told as it happens: `subscriptions` (the fields), `subscriptions_base` (what they are made with),
`subscriptions_plan` (an event's statement), `subscriptions_live` (who follows what in this process).
A room adds its `<Room>Queries` and `<Room>Mutations` classes to the two lists of `contents.py`.
"""
