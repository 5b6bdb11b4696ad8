"""Subscriptions: relay, hub, sockets and event streams."""
