"""What every room stands on: database, ids, clock, errors, authority, commands, budgets, the outbox, its relay."""
