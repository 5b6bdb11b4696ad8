"""What every room stands on: database, ids, clock, errors, authority, commands, the outbox and its relay."""
