"""Requests made by a grammar from the schema itself: well-formed, nearly so, and garbage at every level."""
