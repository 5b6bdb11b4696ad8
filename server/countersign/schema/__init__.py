"""The front desk: every GraphQL type, one file per room, each bound to the room's views and commands.

What is published of it: `federation` (for clients, for composers), `deprecation` and `changes` (how it may change).
A room adds its `<Room>Queries` and `<Room>Mutations` classes to the two lists of `contents.py`.
"""
