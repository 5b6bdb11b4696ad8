"""The read compiler: a GraphQL selection becomes one SQL statement whose JSON text goes out as it is.

Owns: how a type is bound to a view (`bind`) and what it costs (`cost`), how a selection becomes SQL (`compile`,
`pages`, `entities`, `args`), what only Python can make (`slots`, `identity`, `cursors`), and cached plans (`plan`,
`cache`).
Promises: one answer statement per operation; visibility of every view that is entered; no value in SQL text.
May call: `kit` and the views that the front desk hands to it.
Never: writes, or knows a room by name.
"""
